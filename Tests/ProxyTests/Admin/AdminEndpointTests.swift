import EventLoop
import Kernel
import Testing

@testable import Proxy

@Suite struct `The admin endpoint` {
    /// Sends `request` on a connection of its own and returns everything that comes back.
    private func exchange(_ request: String, with proxy: FakeProxy) throws -> String {
        let loop = try EventLoop()
        let any = try #require(SocketAddress(parsing: "127.0.0.1:0"))
        let endpoint = try AdminEndpoint(on: loop, address: any, source: proxy)
        let client = try Socket.connecting(to: endpoint.address)
        var answer: [UInt8] = []
        var isSent = false
        for _ in 0..<1000 {
            try loop.turn(longestWait: .milliseconds(5))
            if !isSent, case .bytes = try client.send(Array(request.utf8).span) { isSent = true }
            var room = [UInt8](repeating: 0, count: 65_536)
            var span = room.mutableSpan
            switch try client.receive(into: &span) {
            case .bytes(let count): answer += room[..<count]
            case .wouldBlock: continue
            case .ended: return String(decoding: answer, as: UTF8.self)
            }
        }
        return String(decoding: answer, as: UTF8.self) + "(no end)"
    }

    @Test func `answers over HTTP`() throws {
        let text = try exchange(
            "GET /stats?filter=rq_2xx&usedonly HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            with: try FakeProxy())
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.contains("\r\nx-content-type-options: nosniff\r\n"))
        #expect(text.hasSuffix("\r\n\r\ncluster.reviews/v1.upstream_rq_2xx: 1\n"))
    }

    @Test(arguments: ["null", "http://evil.example"])
    func `does nothing for a page`(origin: String) throws {
        let proxy = try FakeProxy()
        let text = try exchange(
            "POST /quitquitquit HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\nContent-Length: 0\r\n"
                + "Connection: close\r\n\r\n", with: proxy)
        #expect(text.hasPrefix("HTTP/1.1 403 "))
        #expect(proxy.commands.isEmpty)
    }

    @Test func `takes a command by POST`() throws {
        let proxy = try FakeProxy()
        let text = try exchange(
            "POST /healthcheck/fail HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
                + "Connection: close\r\n\r\n", with: proxy)
        #expect(text.hasSuffix("\r\n\r\nOK\n"))
        #expect(proxy.commands == [.failHealthChecks])
    }
}
