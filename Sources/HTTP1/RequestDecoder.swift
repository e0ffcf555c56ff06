import Bytes
public import HTTP

/// Reads the requests of one connection, in their order (RFC 9112 §2.1).
///
/// Each request comes as ``Event/head``, any number of ``Event/body(_:)`` and ``Event/end``; a
/// request without a body has its `end` too. Ask until ``Event/needMore``, with empty input as
/// well. The same `head` is passed until `end`; it is emptied when the next request begins.
/// The verdict on a request does not depend on the pieces in which its bytes arrive.
public struct RequestDecoder: Sendable {
    private enum Stage: Sendable {
        /// No byte of the next request is there.
        case idle
        /// Before the request line; a single empty line may come first (RFC 9112 §2.2).
        case requestLine(FieldReader, start: Int)
        case fields(FieldReader, start: Int)
        case body(BodyDecoder)
        /// The last request of the connection is complete; what follows it is ignored.
        case finished
        case failed(ParseError)
    }

    public let limits: Limits
    private var stage = Stage.idle

    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Whether no byte of a next request has been taken in.
    public var isIdle: Bool {
        if case .idle = stage { true } else { false }
    }

    /// Takes in `input` up to the next event.
    ///
    /// - Parameters:
    ///   - input: What the connection has brought; positions in events count from its start.
    ///   - head: Gets the head, and the trailers before `end`.
    /// - Returns: The event, and how much of the input is done with.
    /// - Throws: ``ParseError``, for the first and for every later call.
    public mutating func next(
        _ input: Span<UInt8>, head: inout RequestHead
    ) throws(ParseError) -> Decoded {
        do {
            return try advance(input, &head)
        } catch {
            stage = .failed(error)
            throw error
        }
    }

    /// Says that the connection has ended.
    ///
    /// - Throws: ``ParseError/messageTruncated`` inside a request.
    public mutating func endOfInput() throws(ParseError) -> EndOfInput {
        switch stage {
        case .idle, .finished: return .betweenMessages
        case .requestLine(let reader, let start) where reader.isAtLineStart && start > 0:
            return .betweenMessages
        case .requestLine, .fields, .body: throw .messageTruncated
        case .failed(let error): throw error
        }
    }

    private mutating func advance(
        _ input: Span<UInt8>, _ head: inout RequestHead
    ) throws(ParseError) -> Decoded {
        switch stage {
        case .body(var body):
            let decoded = try body.next(input, trailers: &head.trailers, limits: limits)
            if decoded.event == .end {
                stage = head.isPersistent ? .idle : .finished
            } else {
                stage = .body(body)
            }
            return decoded
        case .finished:
            return Decoded(event: .needMore, consumed: input.count)
        case .failed(let error):
            throw error
        case .idle:
            if input.isEmpty { return Decoded(event: .needMore, consumed: 0) }
            head.removeAll()
            stage = .requestLine(FieldReader(), start: 0)
            return try readHead(input, &head)
        case .requestLine, .fields:
            return try readHead(input, &head)
        }
    }

    private mutating func readHead(
        _ input: Span<UInt8>, _ head: inout RequestHead
    ) throws(ParseError) -> Decoded {
        var position = 0
        while position < input.count {
            let held = head.fields.arena.count
            let count = min(windowByteCount, input.count - position)
            head.fields.arena.append(input.extracting(position..<position + count))
            if let end = try readLines(&head) {
                head.fields.arena.truncate(to: end)
                try head.interpretFields()
                stage = .body(BodyDecoder(head.framing))
                return Decoded(event: .head, consumed: position + end - held)
            }
            position += count
        }
        return Decoded(event: .needMore, consumed: position)
    }

    /// Reads the lines that the arena holds.
    ///
    /// - Returns: Where the head ends in the arena; `nil` when it is not complete.
    private mutating func readLines(_ head: inout RequestHead) throws(ParseError) -> Int? {
        if case .requestLine(var reader, var start) = stage {
            let limit = min(limits.requestLineBytes + 2, limits.headBytes)
            try RequestDecoder.judgeFirstByte(head, at: start)
            guard
                let line = try reader.nextLine(
                    of: head.fields, notPast: start + limit, orThrow: .requestLineTooLong)
            else {
                stage = .requestLine(reader, start: start)
                return nil
            }
            if line.isEmpty, start == 0 {
                start = line.upperBound + 2
                stage = .requestLine(reader, start: start)
                return try readLines(&head)
            }
            try head.readRequestLine(line)
            stage = .fields(reader, start: start)
        }
        guard case .fields(var reader, let start) = stage else { return nil }
        let isComplete = try reader.readFields(
            into: &head.fields, notPast: start + limits.headBytes, orThrow: .headTooLarge,
            limits: limits)
        stage = .fields(reader, start: start)
        return isComplete ? reader.end : nil
    }

    /// Refuses at once what does not speak HTTP, such as a TLS handshake without a line feed.
    private static func judgeFirstByte(
        _ head: borrowing RequestHead, at start: Int
    ) throws(ParseError) {
        let bytes = head.fields.arena.bytes
        if start >= bytes.count || bytes[start] == carriageReturn { return }
        if bytes[start] == lineFeed { throw .bareLineFeed }
        if !ByteSet.token.contains(bytes[start]) { throw .methodInvalid }
    }
}
