import EventLoop
import HTTP
import Kernel
import Transport

/// Carries the admin interface over HTTP, on the main loop.
final class AdminServer: HTTPHandler {
    /// Few are enough for a person and a scraper.
    static let limits = HTTPServerLimits(
        bodyByteCount: 4096, connectionCount: 64, idleTime: .seconds(60))

    private let interface: AdminInterface
    private var server: HTTPServer?

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - loop: The main loop.
    ///   - address: Where; port 0 lets the system choose.
    ///   - source: The proxy, which outlives the server.
    /// - Throws: What the system calls report, such as `EADDRINUSE`.
    init(loop: EventLoop, address: SocketAddress, source: any AdminSource) throws(Errno) {
        interface = AdminInterface(source)
        server = try HTTPServer(
            loop: loop, address: address, limits: Self.limits, handler: self)
    }

    /// Where it listens; `nil` once it is closed.
    var address: SocketAddress? { server?.address }

    /// Ends everything now.
    func close() {
        server?.close()
        server = nil
    }

    func server(_ server: HTTPServer, didReceive request: HTTPRequest, reply: HTTPReply) {
        guard let parameters = request.parameters else {
            reply.send(status: 400, contentType: "text/plain", text: "query is not UTF-8\n")
            return
        }
        let message = AdminRequest(
            method: request.methodText, path: request.path, parameters: parameters,
            hasOrigin: request.value(of: "origin") != nil)
        interface.handle(message) { answer in
            reply.send(status: answer.status, fields: answer.fields, body: answer.body)
        }
    }
}
