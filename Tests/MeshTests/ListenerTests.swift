import Mesh
import Testing

@Suite struct `A listener` {
    @Test func `is guarded and secured as before when it gets an access log`() throws {
        let rules = try AccessRules(.allow, [])
        let listener = try Listener(
            name: "inbound", host: "127.0.0.1", port: 80, direction: .inbound, codec: .http2,
            http2: HTTP2Options(concurrentStreamCount: 7), routes: .discovered("inbound"),
            upgrades: ["websocket"]
        )
        .secured(by: [FilterChain(match: .init(transport: .tls))])
        .guarded(by: [AccessFilter(rules: rules)])
        let logging = listener.logging(to: "/var/log/requests")
        #expect(logging.accessLogPath == "/var/log/requests")
        #expect(logging.accessFilters == listener.accessFilters)
        #expect(logging.chains == listener.chains)
        #expect(logging.codec == .http2)
        #expect(logging.http2.concurrentStreamCount == 7)
        #expect(logging.upgrades == ["websocket"])
        #expect(logging.logging(to: "/elsewhere") == logging)
    }
}
