import Bytes
public import HTTP

/// Reads the responses of one connection to a server, in the order of the requests (RFC 9112 §2.1).
///
/// ``expect(responseTo:upgrade:)`` announces each request. Its response comes as ``Event/head``,
/// any number of ``Event/body(_:)`` and ``Event/end``. An informational response is a `head` alone,
/// and another `head` follows it. Bytes behind `end` are left in the input: unless the next request
/// is on its way, they are surplus and the connection must not be used again.
public struct ResponseDecoder: Sendable {
    private enum Stage: Sendable {
        /// No response is due.
        case idle
        /// A response is due and no byte of it is there.
        case expecting
        case head(HeadProgress)
        /// A body of known length, of which so much is to come; no body has none.
        case content(remaining: UInt64)
        case body(BodyDecoder)
        case failed(ParseError)
    }

    /// How far a head has been read that is not complete.
    private struct HeadProgress: Sendable {
        var reader = FieldReader()
        var isBehindStatusLine = false
    }

    public let limits: Limits
    private var stage = Stage.idle
    private var method = Method.get
    private var isUpgrade = false
    private var informationalCount = 0

    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Whether no byte of the response that is due has been taken in.
    public var isAwaitingFirstByte: Bool {
        if case .expecting = stage { true } else { false }
    }

    /// Announces the response to the next request; before its first byte, after the last `end`.
    ///
    /// - Parameters:
    ///   - method: The request's, which decides whether the response has a body (RFC 9112 §6.3).
    ///   - upgrade: Whether the request asked to switch protocols, so that 101 may come.
    public mutating func expect(responseTo method: Method, upgrade: Bool = false) {
        if case .failed = stage { return }
        self.method = method
        isUpgrade = upgrade
        informationalCount = 0
        stage = .expecting
    }

    /// Takes in `input` up to the next event.
    ///
    /// - Parameters:
    ///   - input: What the connection has brought; positions in events count from its start.
    ///   - head: Gets the head, and the trailers before `end`.
    /// - Returns: The event, and how much of the input is done with.
    /// - Throws: ``ParseError``, for the first and for every later call;
    ///   ``ParseError/responseUnexpected`` for bytes when no response is due.
    public mutating func next(
        _ input: Span<UInt8>, head: inout ResponseHead
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
    /// - Returns: Whether that was the end of the body, for which no `end` comes any more.
    /// - Throws: ``ParseError/messageTruncated`` when a response is due or incomplete.
    public mutating func endOfInput() throws(ParseError) -> EndOfInput {
        switch stage {
        case .idle: return .betweenMessages
        case .body(let body) where body.isUntilClose:
            stage = .idle
            return .endOfBody
        case .expecting, .head, .content, .body: throw .messageTruncated
        case .failed(let error): throw error
        }
    }

    private mutating func advance(
        _ input: Span<UInt8>, _ head: inout ResponseHead
    ) throws(ParseError) -> Decoded {
        switch stage {
        case .content(var remaining):
            let isLast = remaining == 0
            let decoded = BodyDecoder.take(&remaining, of: input)
            stage = isLast ? .idle : .content(remaining: remaining)
            return decoded
        case .body(var body):
            let decoded = try body.next(input, trailers: &head.trailers, limits: limits)
            stage = decoded.event == .end ? .idle : .body(body)
            return decoded
        case .idle:
            if !input.isEmpty { throw .responseUnexpected }
            return Decoded(event: .needMore, consumed: 0)
        case .expecting:
            if input.isEmpty { return Decoded(event: .needMore, consumed: 0) }
            head.removeAll()
            return try readHead(input, &head, HeadProgress())
        case .head(let progress):
            return try readHead(input, &head, progress)
        case .failed(let error):
            throw error
        }
    }

    private mutating func readHead(
        _ input: Span<UInt8>, _ head: inout ResponseHead, _ progress: HeadProgress
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
                try complete(&head)
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
        _ head: inout ResponseHead, _ progress: inout HeadProgress
    ) throws(ParseError) -> Bool {
        if !progress.isBehindStatusLine {
            guard try readStatusLine(&head, &progress.reader) else { return false }
            progress.isBehindStatusLine = true
        }
        return try progress.reader.readFields(
            into: &head.fields, notPast: limits.headBytes, orThrow: .headTooLarge, limits: limits)
    }

    /// - Returns: Whether the line is complete.
    private mutating func readStatusLine(
        _ head: inout ResponseHead, _ reader: inout FieldReader
    ) throws(ParseError) -> Bool {
        if reader.isAtLineStart,
            let line = RegularStatusLine(head.fields.arena.bytes, notPast: limits.headBytes)
        {
            head.take(line)
            reader.skip(to: line.end)
            return true
        }
        if head.fields.arena.bytes[0] != UInt8(ascii: "H") { throw .statusLineInvalid }
        guard
            let line = try reader.nextLine(
                of: head.fields, notPast: limits.headBytes, orThrow: .headTooLarge)
        else { return false }
        try head.readStatusLine(line)
        return true
    }

    /// Decides what comes behind the head.
    @inline(__always)
    private mutating func complete(_ head: inout ResponseHead) throws(ParseError) {
        try head.interpretFields(responseTo: method)
        if head.switchesProtocols {
            guard isUpgrade else { throw .protocolSwitchUnexpected }
        } else if head.isInformational {
            informationalCount += 1
            if informationalCount > limits.informationalCount {
                throw .informationalResponsesTooMany
            }
            stage = .expecting
            return
        }
        stage =
            switch head.framing {
            case .none: .content(remaining: 0)
            case .length(let count): .content(remaining: count)
            case .chunked: .body(.chunked)
            case .untilClose: .body(.untilClose)
            }
    }
}
