import Testing

@testable import Console

@Suite struct `Identities on the command line` {
    private static let future = "2999-01-01T00:00:00.000Z"
    private static let past = "2020-01-01T00:00:00.000Z"

    @Test func `print a token alone, and what it is for beside it`() throws {
        let token = #"""
            {"id":"0a","identity":"shop/reviews","expiresAt":"\#(Self.future)","uses":2,
            "usesLeft":2,"token":"pmt_0a_secret"}
            """#
        let run = try Run([.init(201, token)]) { session throws(ConsoleError) in
            try session.makeToken(for: "shop/reviews", lifetime: .seconds(60), uses: 2)
        }
        #expect(run.output == "pmt_0a_secret\n")
        #expect(run.messages == "for shop/reviews until \(Self.future), 2 uses\n")
        #expect(
            run.requests == [
                #"POST /v1/identity/tokens | x-pointsman-user: ada | "#
                    + #"{"account":"reviews","lifetime_seconds":60,"namespace":"shop","uses":2}"#
            ])
        let json = try Run([.init(201, token)], format: .json) { session throws(ConsoleError) in
            try session.makeToken(for: "reviews", lifetime: .seconds(60), uses: 1)
        }
        #expect(json.output.contains(#""token": "pmt_0a_secret""#) && json.messages.isEmpty)
    }

    @Test func `show who has what until when, and who is connected with it`() throws {
        let issued = #"""
            {"items":[{"serial":"ab","identity":"default/reviews","issuer":2,"ground":"token",
            "address":"127.0.0.1:5","issuedAt":"\#(Self.future)","notAfter":"\#(Self.past)"},
            {"serial":"cd","identity":"pointsman/control","issuer":2,"ground":"own",
            "issuedAt":"\#(Self.future)","notAfter":"\#(Self.past)"}]}
            """#
        let proxies = #"""
            {"items":[{"id":"r-1","identity":"default/reviews"},{"id":"old"}],"total":2}
            """#
        let run = try Run([.init(200, issued), .init(200, proxies)]) {
            session throws(ConsoleError) in try session.listCertificates(limit: 10)
        }
        let expected = """
            IDENTITY            ENDS IN   ISSUED   FOR A   SIDECARS
            default/reviews     ended     0 s      token   r-1
            pointsman/control   ended     0 s      own

            """
        #expect(run.output == expected)
    }

    @Test func `show how far a rotation is, and begin one`() throws {
        let state = #"""
            {"trustDomain":"mesh.example","roots":[
            {"id":1,"state":"active","madeAt":"\#(Self.future)","certificate":"A\n"},
            {"id":3,"state":"announced","madeAt":"\#(Self.future)","readyAt":"\#(Self.past)",
            "certificate":"B\n"}],"intermediates":[
            {"id":2,"state":"active","madeAt":"\#(Self.future)","lastEnd":"\#(Self.past)",
            "certificate":"C\n"}]}
            """#
        let run = try Run([.init(200, state)]) { session throws(ConsoleError) in
            try session.rotate(root: true)
        }
        let expected = """
            trust domain mesh.example

            AUTHORITY        STATE       MADE   NEEDED FOR   NEXT
            root 1           active      0 s    -
            root 3           announced   0 s    -            certificates hang on it now
            intermediate 2   active      0 s    ended

            """
        #expect(run.output == expected)
        #expect(run.requests.first?.hasSuffix(#"{"authority":"root"}"#) == true)
        let roots = try Run([.init(200, state)]) { session throws(ConsoleError) in
            try session.showRoots()
        }
        #expect(roots.output == "A\nB\n")
    }
}
