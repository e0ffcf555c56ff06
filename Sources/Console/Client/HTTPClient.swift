import Kernel

/// A client for short requests: one connection each, blocking, with a deadline over all of it.
public struct HTTPClient: Sendable {
    public let address: ControlAddress
    public let token: String?
    /// Longest time from resolving the name to the last byte of the answer.
    public let timeout: Duration

    /// Most bytes of an answer's body.
    public static let bodyLimit = 64 * 1_048_576

    public init(address: ControlAddress, token: String?, timeout: Duration = .seconds(10)) {
        self.address = address
        self.token = token
        self.timeout = timeout
    }

    /// Sends `request` and waits for the answer.
    ///
    /// - Throws: ``ConsoleError`` when no whole answer came; a refusal is an answer.
    public func send(_ request: Request) throws(ConsoleError) -> Response {
        let deadline = Instant.now() + timeout
        let candidates = SocketAddress.resolve(host: address.host, port: address.port)
        var latest = ConsoleError.unknownHost(address.host)
        for candidate in candidates {
            do throws(ConsoleError) {
                var conversation = try Conversation.begin(
                    with: candidate, of: self, until: deadline)
                return try conversation.exchange(encoded(request))
            } catch {
                // Only an address that took no connection is worth another try.
                guard case .cannotConnect = error else { throw error }
                latest = error
            }
        }
        throw latest
    }

    private func encoded(_ request: Request) -> [UInt8] {
        var text = "\(request.method) \(request.target) HTTP/1.1\r\n"
        text += "host: \(address.authority)\r\nconnection: close\r\naccept: application/json\r\n"
        text += "user-agent: pointsman\r\n"
        if let token { text += "authorization: Bearer \(token)\r\n" }
        for field in request.fields { text += "\(field.name): \(field.value)\r\n" }
        let body = request.body.map { Array($0.encoded(pretty: false).utf8) }
        if let body {
            text += "content-type: application/json\r\ncontent-length: \(body.count)\r\n"
        } else if request.method != "GET", request.method != "HEAD" {
            text += "content-length: 0\r\n"
        }
        return Array((text + "\r\n").utf8) + (body ?? [])
    }
}
