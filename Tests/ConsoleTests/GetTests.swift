import Console
import Testing

@Suite struct `Showing what there is` {
    static let services = #"""
        {"items":[{"name":"reviews","protocol":"http","revision":7,
        "versions":{"v1":{"endpoints":["127.0.0.1:1"]},"v2":{"endpoints":[]}},
        "routes":[
        {"name":"beta","match":{"headers":{"x-group":{"exact":"beta"}},"method":"GET",
        "path":{"prefix":"/api"}},"split":{"v2":100},"timeout":"15s"},
        {"name":"default","split":{"v1":95,"v2":5},"sticky":{"cookie":"u"},"timeout":"15s"}]}],
        "next":null}
        """#

    @Test func `lists services with the split of the last route`() throws {
        let run = try Run([.init(200, Self.services)]) { session throws(ConsoleError) in
            try session.getServices(named: nil)
        }
        #expect(
            run.output == """
                NAME      PROTOCOL   SPLIT           ROUTES   REVISION
                reviews   http       v1 95%, v2 5%   2               7

                """)
        #expect(run.requests == ["GET /v1/services"])
    }

    @Test(arguments: [
        ("", "off   -"), (#","access":{"default":"deny"}"#, "off   deny, 0 rules"),
        (#","tls":"strict""#, "strict   -"),
        (
            #","access":{"default":"allow","dryRun":true,"rules":[{}]}"#,
            "off   allow, 1 rule, dry run"
        ),
    ])
    func `lists who may ask services, when wide`(access: String, shown: String) throws {
        let services = #"{"items":[{"name":"a"\#(access)}],"next":null}"#
        let run = try Run([.init(200, services)], format: .wide) { session throws(ConsoleError) in
            try session.getServices(named: nil)
        }
        let lines = run.output.split(separator: "\n")
        #expect(lines[0].contains("   TLS") && lines[0].contains("   ACCESS"))
        #expect(lines[1].contains("   \(shown)   "))
    }

    @Test func `lists routes with what they match`() throws {
        let run = try Run([.init(200, Self.services)]) { session throws(ConsoleError) in
            try session.getRoutes(ofService: nil)
        }
        #expect(
            run.output == """
                SERVICE   ROUTE     MATCH                                  SPLIT           STICKY
                reviews   beta      header x-group=beta, GET, path /api*   v2 100%         -
                reviews   default   *                                      v1 95%, v2 5%   cookie u

                """)
    }

    @Test func `follows a list page by page`() throws {
        let run = try Run(
            [
                .init(200, #"{"items":[{"name":"a"}],"next":"a"}"#),
                .init(200, #"{"items":[{"name":"b"}],"next":null}"#),
            ], format: .yaml
        ) { session throws(ConsoleError) in
            try session.getServices(named: nil)
        }
        #expect(run.output == "- name: a\n- name: b\n")
        #expect(run.requests == ["GET /v1/services", "GET /v1/services?after=a"])
    }

    @Test func `shows sidecars with what they refused`() throws {
        let proxies = #"""
            {"revision":7,"total":2,"next":null,"items":[
            {"id":"c-1","service":"client","address":"127.0.0.1:5","userAgent":"pointsman",
            "connectedAt":"2999-01-01T00:00:00.000Z","revision":7,"lag":0,"state":"current"},
            {"id":"c-2","service":"client","address":"127.0.0.1:6","userAgent":"envoy",
            "connectedAt":"2999-01-01T00:00:00.000Z","lag":7,"state":"refused",
            "identity":"default/client","refusal":{"type":"t","revision":7,"reason":"bad regex"}}]}
            """#
        let run = try Run([.init(200, proxies)], format: .wide) { session throws(ConsoleError) in
            try session.getProxies(named: nil)
        }
        let expected = """
            NAME   SERVICE   STATE     REVISION   CONNECTED   IDENTITY         ADDRESS       \
            PROGRAM     REASON
            c-1    client    current          7   0 s         -                127.0.0.1:5   \
            pointsman
            c-2    client    refused          -   0 s         default/client   127.0.0.1:6   \
            envoy       bad regex

            """
        #expect(run.output == expected)
    }

    @Test func `shows one revision with its diff and how far it has come`() throws {
        let revision = #"""
            {"number":7,"at":"2999-01-01T00:00:00.000Z","who":"ada","why":"canary","kind":"split",
            "service":"reviews","diff":[
            {"path":"services.reviews.routes.default.split.v1","before":100,"after":95}],
            "inEffect":{"applied":1,"of":2,"complete":false,"lagging":["c-2"],"refused":[]}}
            """#
        let run = try Run([.init(200, revision)]) { session throws(ConsoleError) in
            try session.getRevisions(number: 7, limit: 20)
        }
        #expect(
            run.output == """
                revision 7: split reviews, 0 s ago by ada
                  canary
                  ~ services.reviews.routes.default.split.v1: 100 → 95
                live on 1 of 2 sidecars
                  waiting for c-2

                """)
    }

    @Test func `lists revisions with how far each has come`() throws {
        let revisions = #"""
            {"items":[{"number":8,"at":"2999-01-01T00:00:00.000Z","who":"ada","why":"",
            "kind":"split","service":"reviews"},
            {"number":7,"at":"2999-01-01T00:00:00.000Z","who":"bob","why":"first",
            "kind":"put","service":"reviews"}],"next":7}
            """#
        let proxies = #"{"items":[{"id":"c-1","revision":7,"state":"lagging"}],"next":null}"#
        let run = try Run([.init(200, revisions), .init(200, proxies)]) {
            session throws(ConsoleError) in
            try session.getRevisions(number: nil, limit: 2)
        }
        #expect(run.requests == ["GET /v1/revisions?limit=2", "GET /v1/proxies"])
        let lines = run.output.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
        #expect(
            lines == [
                "REVISION AGE WHO LIVE WHAT WHY", "8 0 s ada 0/1 split reviews",
                "7 0 s bob 1/1 put reviews first",
            ])
    }
}

@Suite struct `Checking` {
    static let revision = #"{"items":[{"number":7}],"next":null}"#

    @Test func `says what is well`() throws {
        let proxies = #"{"items":[{"id":"c-1","revision":7,"state":"current"}],"next":null}"#
        let run = try Run([
            .init(200, #"{"items":[{"name":"a"}],"next":null}"#),
            .init(200, #"{"name":"pointsman-control","version":"\#(ProgramVersion.text)"}"#),
            .init(200, Self.revision), .init(200, proxies),
        ]) { session throws(ConsoleError) in try session.check() }
        #expect(run.status == .success)
        let lines = run.output.split(separator: "\n").dropFirst()
        #expect(
            lines.joined(separator: "\n") == """
                ✓ both are version \(ProgramVersion.text)
                ✓ 1 service
                ✓ the store is at revision 7
                ✓ 1 of 1 sidecars have the latest revision in effect
                """)
    }

    @Test func `says what is wrong and what to do`() throws {
        let proxies = #"""
            {"items":[{"id":"c-1","revision":6,"state":"lagging"},
            {"id":"c-2","state":"refused","refusal":{"reason":"bad regex"}}],"next":null}
            """#
        let run = try Run([
            .init(200, #"{"items":[],"next":null}"#), .init(200, #"{"version":"9"}"#),
            .init(503, #"{"detail":"the disk is full"}"#), .init(200, proxies),
        ]) { session throws(ConsoleError) in try session.check() }
        #expect(run.status == .failure)
        #expect(run.output.contains("! the control plane is version 9"))
        #expect(run.output.contains("! there are no services\n    hint: add one with"))
        #expect(run.output.contains("✗ the store: the disk is full\n"))
        #expect(run.output.contains("! sidecar c-1 lags: it has revision 6\n"))
        #expect(run.output.contains("✗ sidecar c-2 refused the latest revision: bad regex\n"))
        #expect(run.messages == "error: 2 checks failed\n")
    }

    @Test func `says that nothing answers`() throws {
        let run = try Run([.init(raw: "")]) { session throws(ConsoleError) in
            try session.check()
        }
        #expect(run.status == .unreachable)
        #expect(run.output.hasPrefix("✗ what listens at http://127.0.0.1:"))
    }
}
