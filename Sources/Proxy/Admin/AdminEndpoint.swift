import EventLoop
import Kernel
import Transport

/// The admin interface on its socket: brings requests to ``AdminInterface`` and answers back.
final class AdminEndpoint: HTTPHandler {
    /// Few connections are enough for a person and a scraper.
    static let limits = HTTPServerLimits(
        bodyByteCount: 4096, connectionCount: 64, idleTime: .seconds(60))

    /// Where it listens, with the port that the kernel chose.
    private(set) var address: SocketAddress
    private let interface: AdminInterface
    private var server: HTTPServer?

    /// Opens the socket.
    ///
    /// - Parameters:
    ///   - loop: The main loop.
    ///   - address: Where to listen; port 0 lets the kernel choose.
    ///   - source: What is shown and moved; not kept.
    /// - Throws: What the system calls report, such as `EADDRINUSE`.
    init(on loop: EventLoop, address: SocketAddress, source: any AdminSource) throws(Errno) {
        self.address = address
        interface = AdminInterface(source)
        let server = try HTTPServer(
            loop: loop, address: address, limits: Self.limits, handler: self)
        self.server = server
        self.address = server.address
    }

    func server(_ server: HTTPServer, didReceive request: HTTPRequest, reply: HTTPReply) {
        guard let parameters = request.parameters else {
            reply.send(status: 400, contentType: "text/plain", text: "query is not UTF-8\n")
            return
        }
        let adminRequest = AdminRequest(
            method: request.methodText, path: request.path, parameters: parameters,
            hasOrigin: request.value(of: "origin") != nil)
        interface.handle(adminRequest) { response in
            reply.send(status: response.status, fields: response.fields, body: response.body)
        }
    }
}
