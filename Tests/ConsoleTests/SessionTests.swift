import Console
import Testing

/// A command that runs against a script, and everything that came of it.
struct Run {
    let output: String
    let messages: String
    let requests: [String]
    let status: ProgramExit

    init(
        _ script: [ScriptedServer.Reply], format: OutputFormat = .table,
        isInteractive: Bool = false, _ body: (Session) throws(ConsoleError) -> Void
    ) throws {
        let server = try ScriptedServer(script)
        let client = HTTPClient(address: server.address, token: nil, timeout: .seconds(5))
        var output = ""
        var messages = ""
        let plain = Palette(isColoured: false)
        let screen = Screen(
            palette: plain, messagePalette: plain, isInteractive: isInteractive,
            write: { output += $0 }, writeMessage: { messages += $0 })
        var status = ProgramExit.success
        do throws(ConsoleError) {
            try body(
                Session(
                    control: ControlPlane(client: client, user: "ada"), screen: screen,
                    format: format))
        } catch {
            screen.report(error)
            status = error.exitStatus
        }
        self.output = output
        self.messages = messages
        self.status = status
        requests = server.requests.map { request in
            let lines = request.split(separator: "\r\n", omittingEmptySubsequences: false)
            let guards = lines.filter { $0.hasPrefix("if-") || $0.hasPrefix("x-") }
            let body = request.split(separator: "\r\n\r\n").dropFirst().joined()
            return ([lines[0].dropLast(" HTTP/1.1".count)] + guards + [body[...]])
                .filter { !$0.isEmpty }.joined(separator: " | ")
        }
    }
}

@Suite struct `Changing a split` {
    static let before =
        #"{"service":"reviews","route":"default","weights":{"v1":100},"revision":6}"#
    static let reply = #"{"revision":7,"changed":true,"dryRun":false,"diff":[]}"#
    static let weights = ["v1=95", "v2=5"]

    static func revision(_ applied: Int, of total: Int, _ rest: String = "") -> String {
        """
        {"number":7,"at":"2026-01-01T00:00:00.000Z","who":"ada","why":"","kind":"split",
        "inEffect":{"applied":\(applied),"of":\(total),"complete":false\(rest)}}
        """
    }

    @Test func `is guarded by what was seen before and waits until it is live`() throws {
        let run = try Run([
            .init(200, Self.before, tag: "\"r6\""), .init(200, Self.reply),
            .init(200, Self.revision(0, of: 2)), .init(200, Self.revision(2, of: 2)),
        ]) { session throws(ConsoleError) in
            try session.split(
                service: "reviews", route: "a b",
                weights: try SplitArgument(parsing: Self.weights),
                options: .init(reason: "step 1", patience: .seconds(5)))
        }
        #expect(run.status == .success)
        #expect(
            run.output.hasPrefix("reviews: v1 100% → 95%, v2 0% → 5% (revision 7)\nlive on 2 of 2"))
        #expect(run.messages == "")
        #expect(
            run.requests == [
                "GET /v1/services/reviews/split?route=a%20b",
                "PUT /v1/services/reviews/split?route=a%20b&reason=step%201 | "
                    + #"x-pointsman-user: ada | if-match: "r6" | {"weights":{"v1":95,"v2":5}}"#,
                "GET /v1/revisions/7", "GET /v1/revisions/7",
            ])
    }

    @Test func `shows progress where somebody watches and takes it away`() throws {
        let run = try Run(
            [
                .init(200, Self.before), .init(200, Self.reply),
                .init(200, Self.revision(0, of: 2)), .init(200, Self.revision(2, of: 2)),
            ], isInteractive: true
        ) { session throws(ConsoleError) in
            try session.split(
                service: "reviews", route: nil,
                weights: try SplitArgument(parsing: Self.weights),
                options: .init(patience: .seconds(5)))
        }
        #expect(run.messages.contains("\r\u{1B}[Krevision 7: live on 0 of 2 sidecars"))
        #expect(run.messages.hasSuffix("\r\u{1B}[K"))
    }

    @Test func `is only checked in a dry run`() throws {
        let run = try Run(
            [.init(200, Self.before), .init(200, Self.reply)], format: .json
        ) { session throws(ConsoleError) in
            try session.split(
                service: "reviews", route: nil,
                weights: try SplitArgument(parsing: Self.weights),
                options: .init(isDryRun: true, patience: .seconds(5)))
        }
        #expect(run.requests.last?.hasPrefix("PUT /v1/services/reviews/split?dryRun=true") == true)
        #expect(
            JSONValue(json: Array(run.output.utf8)) == [
                "subject": "reviews", "dryRun": true, "changed": true, "revision": 7,
                "route": "default", "diff": [],
            ])
    }

    @Test(arguments: [
        (
            412, #"{"title":"Precondition Failed","status":412,"detail":"it is \"r9\""}"#,
            ProgramExit.conflict,
            """
            error: it is "r9"
            hint: somebody changed it meanwhile; look at it again and repeat the command

            """
        ),
        (
            422,
            #"""
            {"title":"Unprocessable Content","detail":"weights.v3: is no version",
            "errors":[{"path":"weights.v3","reason":"is no version"}]}
            """#, .failure, "error: weights.v3: is no version\n"
        ),
        (
            401, "", .failure,
            """
            error: the control plane wants a token
            hint: give the token with --token-file FILE or POINTSMAN_TOKEN

            """
        ),
        (
            400,
            #"{"detail":"route: is needed","errors":[{"path":"route","reason":"is needed"}]}"#,
            .failure, "error: route: is needed\nhint: name one with --route NAME\n"
        ),
        (
            503, #"{"detail":"the disk is full"}"#, .failure,
            """
            error: the disk is full
            hint: see what ails it with 'pointsman check'

            """
        ),
    ])
    func `says why it was refused`(
        code: Int, body: String, status: ProgramExit, message: String
    ) throws {
        let run = try Run([.init(200, Self.before), .init(code, body)]) {
            session throws(ConsoleError) in
            try session.split(
                service: "reviews", route: nil,
                weights: try SplitArgument(parsing: Self.weights), options: .init())
        }
        #expect(run.status == status)
        #expect(run.messages == message)
        #expect(run.output == "")
    }
}

@Suite struct `Going back, and removing` {
    private static let reply =
        #"{"revision":9,"changed":true,"dryRun":true,"diff":["#
        + #"{"path":"services.a.protocol","before":"http"}]}"#

    @Test(arguments: [false, true])
    func `show what becomes different`(isRemoval: Bool) throws {
        let run = try Run([.init(200, Self.reply)]) { session throws(ConsoleError) in
            let options = ChangeOptions(isDryRun: true)
            if isRemoval {
                try session.delete(service: "a", options: options)
            } else {
                try session.restore(revision: 3, options: options)
            }
        }
        let first =
            isRemoval ? "a: removed" : "restore: everything is as it was at revision 3"
        let path = isRemoval ? "protocol" : "services.a.protocol"
        #expect(
            run.output == "\(first) (dry run, nothing is changed)\n  - \(path): http\n")
    }
}

@Suite struct `Waiting for a revision` {
    @Test func `ends when a sidecar refuses it, with the reason`() throws {
        let refused =
            #","lagging":[],"refused":[{"proxy":"c-1","revision":7,"reason":"bad regex"}]"#
        let run = try Run([.init(200, `Changing a split`.revision(1, of: 2, refused))]) {
            session throws(ConsoleError) in
            try session.wait(forRevision: 7, patience: .seconds(5))
        }
        #expect(run.status == .refusedBySidecar)
        #expect(
            run.messages == """
                error: revision 7 was refused by 1 of 2 sidecars
                  c-1: bad regex
                hint: they keep the last good revision; go back with 'pointsman restore N'

                """)
    }

    @Test func `ends when time is up, with who lags`() throws {
        let lagging = #","lagging":["c-2"],"refused":[]"#
        let run = try Run([.init(200, `Changing a split`.revision(1, of: 2, lagging))]) {
            session throws(ConsoleError) in
            try session.wait(forRevision: 7, patience: .zero)
        }
        #expect(run.status == .timedOut)
        #expect(run.messages.hasPrefix("error: revision 7 is live on 1 of 2 sidecars after "))
        #expect(run.messages.contains("\n  waiting for c-2\n"))
    }

    @Test(arguments: ["", "<html>", "[]", "{}", #"{"number":7,"inEffect":{"applied":1}}"#])
    func `takes nothing for an answer that is none`(body: String) throws {
        let run = try Run([.init(200, body)]) { session throws(ConsoleError) in
            try session.wait(forRevision: 7, patience: .seconds(5))
        }
        #expect(run.status == .unreachable)
        #expect(run.messages.contains("did not answer as a control plane does"))
        #expect(run.output == "")
    }

    @Test func `says that nobody is connected`() throws {
        let run = try Run([.init(200, `Changing a split`.revision(0, of: 0))]) {
            session throws(ConsoleError) in
            try session.wait(forRevision: 7, patience: .seconds(5))
        }
        #expect(run.status == .success)
        #expect(run.output == "revision 7: no sidecar is connected\n")
    }
}
