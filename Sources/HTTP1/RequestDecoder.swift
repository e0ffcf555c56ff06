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
        case head(HeadProgress)
        /// A body of known length, of which so much is to come; no body has none.
        case content(remaining: UInt64)
        case body(BodyDecoder)
        /// The last request of the connection is complete; what follows it is ignored.
        case finished
        case failed(ParseError)
    }

    /// How far a head has been read that is not complete.
    private struct HeadProgress: Sendable {
        var reader = FieldReader()
        /// Where the request line begins; a single empty line may come before (RFC 9112 §2.2).
        var start = 0
        var isBehindRequestLine = false
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

    /// Takes whatever follows the request that was read last as bytes of another protocol, which
    /// come as ``Event/body(_:)`` without an end.
    public mutating func becomeTunnel() {
        if case .idle = stage { stage = .body(.untilClose) }
    }

    /// Says that the connection has ended.
    ///
    /// - Throws: ``ParseError/messageTruncated`` inside a request.
    public mutating func endOfInput() throws(ParseError) -> EndOfInput {
        switch stage {
        case .idle, .finished: return .betweenMessages
        case .head(let progress)
        where progress.reader.isAtLineStart && progress.start > 0 && !progress.isBehindRequestLine:
            return .betweenMessages
        case .head, .content, .body: throw .messageTruncated
        case .failed(let error): throw error
        }
    }

    private mutating func advance(
        _ input: Span<UInt8>, _ head: inout RequestHead
    ) throws(ParseError) -> Decoded {
        switch stage {
        case .content(var remaining):
            let isLast = remaining == 0
            let decoded = BodyDecoder.take(&remaining, of: input)
            stage = isLast ? stageBehind(head) : .content(remaining: remaining)
            return decoded
        case .body(var body):
            let decoded = try body.next(input, trailers: &head.trailers, limits: limits)
            stage = decoded.event == .end ? stageBehind(head) : .body(body)
            return decoded
        case .finished:
            return Decoded(event: .needMore, consumed: input.count)
        case .failed(let error):
            throw error
        case .idle:
            if input.isEmpty { return Decoded(event: .needMore, consumed: 0) }
            head.removeAll()
            return try readHead(input, &head, HeadProgress())
        case .head(let progress):
            return try readHead(input, &head, progress)
        }
    }

    private func stageBehind(_ head: borrowing RequestHead) -> Stage {
        head.isPersistent ? .idle : .finished
    }

    private func stageOfBody(_ framing: BodyFraming) -> Stage {
        switch framing {
        case .none: .content(remaining: 0)
        case .length(let count): .content(remaining: count)
        case .chunked: .body(.chunked)
        case .untilClose: .body(.untilClose)
        }
    }

    private mutating func readHead(
        _ input: Span<UInt8>, _ head: inout RequestHead, _ progress: HeadProgress
    ) throws(ParseError) -> Decoded {
        var progress = progress
        var position = 0
        while position < input.count {
            let held = head.fields.arena.count
            let count = min(windowByteCount, input.count - position)
            head.fields.arena.append(input.part(at: position, count: count))
            head.fields.arena.pad()
            if try readLines(&head, &progress) {
                let end = progress.reader.end
                head.fields.arena.truncate(to: end)
                try head.interpretFields()
                stage = stageOfBody(head.framing)
                return Decoded(event: .head, consumed: position + end - held)
            }
            position += count
        }
        stage = .head(progress)
        return Decoded(event: .needMore, consumed: position)
    }

    /// Reads the lines that the arena holds.
    ///
    /// - Returns: Whether the head is complete.
    private mutating func readLines(
        _ head: inout RequestHead, _ progress: inout HeadProgress
    ) throws(ParseError) -> Bool {
        if !progress.isBehindRequestLine {
            guard try readRequestLine(&head, &progress) else { return false }
            progress.isBehindRequestLine = true
        }
        return try progress.reader.readFields(
            into: &head.fields, notPast: progress.start + limits.headBytes, orThrow: .headTooLarge,
            limits: limits)
    }

    /// - Returns: Whether the line is complete.
    private mutating func readRequestLine(
        _ head: inout RequestHead, _ progress: inout HeadProgress
    ) throws(ParseError) -> Bool {
        let limit = min(limits.requestLineBytes + 2, limits.headBytes)
        if progress.reader.isAtLineStart,
            let line = RegularRequestLine(
                head.fields.arena.bytes, from: progress.start, notPast: progress.start + limit)
        {
            head.take(line)
            progress.reader.skip(to: line.end)
            return true
        }
        while true {
            try RequestDecoder.judgeFirstByte(head, at: progress.start)
            guard
                let line = try progress.reader.nextLine(
                    of: head.fields, notPast: progress.start + limit, orThrow: .requestLineTooLong)
            else { return false }
            guard line.isEmpty, progress.start == 0 else {
                try head.readRequestLine(line)
                return true
            }
            progress.start = line.upperBound + 2
        }
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
