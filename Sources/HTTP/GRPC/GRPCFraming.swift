public import Bytes

/// The length-prefixed messages of gRPC over HTTP/2.
public enum GRPCFraming {
    /// One byte of flags and four of length stand before each message.
    public static var prefixByteCount: Int { 5 }

    /// Appends an uncompressed message with its prefix.
    ///
    /// - Returns: Whether `message` fits the prefix' 32 bits; nothing is appended when not.
    @discardableResult
    public static func append(message: Span<UInt8>, to buffer: inout Buffer) -> Bool {
        guard let length = UInt32(exactly: message.count) else { return false }
        buffer.reserve(prefixByteCount + message.count)
        buffer.append(0)
        for shift in stride(from: 24, through: 0, by: -8) {
            buffer.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
        }
        buffer.append(message)
        return true
    }

    /// Whether a `content-type` is gRPC's: `application/grpc`, alone or before `+` or `;`.
    public static func isContentType(_ value: Span<UInt8>) -> Bool {
        let length = 16
        guard value.count >= length,
            value.extracting(0..<length).equalsIgnoringCase("application/grpc")
        else { return false }
        return value.count == length || value[length] == UInt8(ascii: "+")
            || value[length] == UInt8(ascii: ";")
    }
}

/// Why bytes are not gRPC messages that we take; ends the call with ``status``.
public enum GRPCFramingError: Error, Equatable, Sendable {
    /// We announce no encoding, so a peer has no reason to compress.
    case compressed
    case flagUnknown(UInt8)
    case messageTooLarge(byteCount: UInt32, limit: Int)
    /// The stream ended inside a message.
    case truncated

    public var status: GRPCStatus {
        switch self {
        case .compressed:
            GRPCStatus(.unimplemented, "compressed messages are not supported")
        case .flagUnknown(let flag):
            GRPCStatus(.internal, "a message begins with the unknown flag \(flag)")
        case .messageTooLarge(let byteCount, let limit):
            GRPCStatus(.resourceExhausted, "a message of \(byteCount) bytes; limit \(limit)")
        case .truncated:
            GRPCStatus(.internal, "the stream ended inside a message")
        }
    }
}

/// Cuts a call's bytes into messages; its verdict does not depend on how the bytes arrive.
public struct GRPCMessageDecoder: Sendable {
    private enum State {
        case prefix
        case message(remaining: Int)
    }

    private let limit: Int
    private var state = State.prefix
    private var collected: [UInt8] = []

    /// - Parameter messageByteCountLimit: Largest message that is taken.
    public init(messageByteCountLimit: Int) {
        limit = messageByteCountLimit
    }

    /// Whether no message has begun that is not complete.
    public var isBetweenMessages: Bool {
        if case .prefix = state { collected.isEmpty } else { false }
    }

    /// Takes bytes up to the end of one message.
    ///
    /// - Parameters:
    ///   - input: What follows the bytes that were consumed before.
    ///   - consumed: How many bytes of `input` were taken; all, when there is no message yet.
    /// - Returns: The message that is complete now, without prefix; `nil` when more is needed.
    /// - Throws: ``GRPCFramingError``; the call is over then.
    public mutating func next(
        _ input: Span<UInt8>, consumed: inout Int
    ) throws(GRPCFramingError) -> [UInt8]? {
        consumed = 0
        if case .prefix = state {
            while collected.count < GRPCFraming.prefixByteCount {
                if consumed == input.count { return nil }
                collected.append(input[consumed])
                consumed += 1
            }
            state = .message(remaining: try length())
            collected.removeAll(keepingCapacity: true)
        }
        guard case .message(let remaining) = state else { return nil }
        let count = min(remaining, input.count - consumed)
        // Memory grows with what arrived, not with what the prefix promises.
        collected.append(input.extracting(consumed..<consumed + count))
        consumed += count
        state = .message(remaining: remaining - count)
        if count < remaining { return nil }
        state = .prefix
        defer { collected = [] }
        return collected
    }

    private func length() throws(GRPCFramingError) -> Int {
        if collected[0] == 1 { throw .compressed }
        if collected[0] != 0 { throw .flagUnknown(collected[0]) }
        let length = collected.dropFirst().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        if Int(length) > limit { throw .messageTooLarge(byteCount: length, limit: limit) }
        return Int(length)
    }
}
