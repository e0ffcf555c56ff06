/// The answer to one request; given at once or later, whole or as a stream.
///
/// Exactly one of ``send(status:fields:body:)`` and ``beginStream(status:fields:)`` takes effect,
/// once. After the connection is gone every method does nothing. It is used on the loop's thread.
public final class HTTPReply {
    private enum State {
        case waiting
        case streaming
        case ended
    }

    private var state = State.waiting
    private weak var connection: HTTPServerConnection?

    /// Told once, at the end of a turn, when the client is gone before the reply has ended.
    public var onClose: (() -> Void)?

    init(on connection: HTTPServerConnection) {
        self.connection = connection
    }

    /// Whether the client can still be answered.
    public var isOpen: Bool {
        if case .ended = state { false } else { connection != nil }
    }

    /// Whether a stream has begun and not ended.
    var isStreaming: Bool {
        if case .streaming = state { true } else { false }
    }

    /// Bytes of the reply that wait for the client to read.
    public var queuedByteCount: Int { connection?.queuedByteCount ?? 0 }

    /// Answers whole; Content-Length, Date and Connection are added.
    ///
    /// - Parameters:
    ///   - status: 200…599; with 204 and 304 the body is left out.
    ///   - fields: Names and values; a control byte in a value becomes a space.
    ///   - body: Left out for HEAD, where only its length is told.
    public func send(
        status: UInt16, fields: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        guard case .waiting = state, let connection else { return }
        state = .ended
        connection.reply(status: status, fields: fields, body: body)
    }

    /// Answers with text in UTF-8.
    public func send(status: UInt16, contentType: String, text: String) {
        send(
            status: status, fields: [("content-type", contentType)], body: Array(text.utf8))
    }

    /// Begins an answer whose end is not known yet, such as server-sent events.
    public func beginStream(status: UInt16, fields: [(name: String, value: String)] = []) {
        guard case .waiting = state, let connection else { return }
        state = .streaming
        connection.beginStream(status: status, fields: fields)
    }

    /// Sends the next part of a stream.
    ///
    /// - Returns: `false` when the client is gone, or is cut off now because more than
    ///   ``HTTPServerLimits/queuedByteCount`` would wait for it.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        guard case .streaming = state, let connection else { return false }
        return connection.stream(bytes)
    }

    /// Ends a stream.
    public func finish() {
        guard case .streaming = state, let connection else { return }
        state = .ended
        connection.endStream()
    }

    /// Says that nobody reads the answer any more.
    func connectionClosed() {
        let wasOpen = if case .ended = state { false } else { true }
        state = .ended
        connection = nil
        let onClose = onClose
        self.onClose = nil
        if wasOpen { onClose?() }
    }
}
