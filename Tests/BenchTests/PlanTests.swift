import Bytes
import HTTP
import Testing

@testable import Bench

@Suite struct `A target` {
    @Test(
        arguments: [
            ("http://127.0.0.1:8080/", "127.0.0.1", 8080, "127.0.0.1:8080", "/"),
            ("http://reviews", "reviews", 80, "reviews", "/"),
            ("HTTP://Reviews:81/a/b?c=d#e", "Reviews", 81, "Reviews:81", "/a/b?c=d"),
            ("localhost:9000/x", "localhost", 9000, "localhost:9000", "/x"),
            ("http://[::1]:8080?q", "::1", 8080, "[::1]:8080", "/?q"),
        ] as [(String, String, UInt16, String, String)])
    func `is read from a URL`(
        url: String, host: String, port: UInt16, authority: String, path: String
    ) throws {
        let target = try Target(parsing: url)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.authority == authority)
        #expect(target.path == path)
    }

    @Test(arguments: [
        ("ftp://reviews/", BenchError.URLFault.scheme), ("://reviews/", .scheme),
        ("http://", .authority), ("http://a:0/", .authority), ("http://a:x/", .authority),
        ("http://a:70000/", .authority), ("http://a b/", .authority), ("", .authority),
        ("http://user@host/", .authority), ("http://a/\u{e9}", .path), ("http://a/b c", .path),
        ("http://a/\r\nx: y", .path),
    ])
    func `is refused with the reason`(url: String, fault: BenchError.URLFault) {
        #expect(throws: BenchError.url(url, fault)) { try Target(parsing: url) }
    }

    @Test func `over TLS has a port of its own`() throws {
        let target = try Target(parsing: "HTTPS://reviews/a")
        #expect(target.isSecure)
        #expect(target.port == 443)
        #expect(target.url == "https://reviews/a")
        #expect(try !Target(parsing: "http://reviews/").isSecure)
    }
}

@Suite struct `A request` {
    @Test func `says what was asked for and nothing twice`() throws {
        var content = RequestContent()
        content.method = "PUT"
        content.body = Array("hello".utf8)
        content.fields = [
            try .init(parsing: "Host: other"), try .init(parsing: "X-A:  b "),
            try .init(parsing: "User-Agent: me"),
        ]
        let message = content.http1Message(to: try Target(parsing: "http://a:1/p?q"))
        #expect(
            String(decoding: message, as: UTF8.self) == """
                PUT /p?q HTTP/1.1\r\nhost: other\r\nX-A: b\r\nUser-Agent: me\r\n\
                content-length: 5\r\n\r\nhello
                """)
    }

    @Test func `in HTTP/2 has its authority and names in lower case`() throws {
        var content = RequestContent()
        content.fields = [try .init(parsing: "X-A: b")]
        let head = content.http2Head(to: try Target(parsing: "http://a:1/p"))
        let (authority, path) = (String(head.authority), String(head.path))
        #expect(authority == "a:1")
        #expect(path == "/p")
        let name = String(head.fields.name(at: 1))
        #expect(name == "x-a")
    }

    @Test(arguments: ["GET", "POST"])
    func `tells the length of no body only where the method means one`(method: String) throws {
        var content = RequestContent()
        content.method = method
        let message = content.http1Message(to: try Target(parsing: "http://a/"))
        let text = String(decoding: message, as: UTF8.self)
        #expect(text.contains("content-length: 0") == (method == "POST"))
    }

    @Test(arguments: [
        "no colon", ": empty", "bad name: x", "a\u{0}: b", "a: b\r\nc: d", "Content-Length: 4",
        "transfer-encoding: chunked", "Connection: close", "Upgrade: h2c", "",
    ])
    func `takes no field that would change its framing`(text: String) {
        #expect(throws: BenchError.self) { try RequestContent.Field(parsing: text) }
    }
}

@Suite struct `A plan` {
    private static func plan(_ change: (inout LoadPlan) -> Void) throws -> LoadPlan {
        var plan = LoadPlan(targets: [try Target(parsing: "http://a/")])
        change(&plan)
        return plan
    }

    @Test func `that is as it comes is sound`() throws {
        try Self.plan { _ in }.validate()
    }

    @Test func `beyond a limit is refused with the option's name`() throws {
        let changes: [(String, (inout LoadPlan) -> Void)] = [
            ("--connections", { $0.connections = 0 }),
            ("--connections", { $0.connections = 65_537 }),
            ("--threads", { $0.threads = 0 }), ("--threads", { $0.threads = 17 }),
            ("--streams", { $0.wire = .http2(streams: 0) }),
            ("--rate", { $0.pacing = .open(perSecond: 0, .constant) }),
            ("--rate", { $0.pacing = .open(perSecond: .nan, .constant) }),
            ("--rate", { $0.pacing = .open(perSecond: .infinity, .poisson) }),
            ("--rate", { $0.pacing = .open(perSecond: -1, .constant) }),
            ("--duration", { $0.ending = .after(.zero) }),
            ("--duration", { $0.ending = .after(.seconds(90_000)) }),
            ("--requests", { $0.ending = .requests(0) }),
            ("--timeout", { $0.timeout = .zero }),
            ("--warm-up", { $0.warmUp = .seconds(90_000) }),
            ("--method", { $0.request.method = "GE T" }),
            ("--method", { $0.request.method = "CONNECT" }),
            ("--body", { $0.request.body = Array(repeating: 0, count: 16 * 1024 * 1024 + 1) }),
        ]
        for (option, change) in changes {
            let plan = try Self.plan(change)
            do throws(BenchError) {
                try plan.validate()
                Issue.record("\(option) was let through")
            } catch {
                guard case .option(let name, _, _) = error else {
                    Issue.record("\(option): \(error)")
                    continue
                }
                #expect(name == option)
            }
        }
    }
}
