import Bytes
import HTTP

/// Reads a body whose length its head does not tell (RFC 9112 §6.3), a piece of input at a time.
struct BodyDecoder: Sendable {
    private enum Stage: Sendable {
        case untilClose
        case chunkLine(ChunkLine, size: UInt64, byteCount: Int)
        case chunkData(remaining: UInt64)
        /// The CRLF behind a chunk's data.
        case chunkEnd(sawCarriageReturn: Bool)
        case trailers(FieldReader)
        case ended
    }

    private var stage: Stage
    private var extensionByteCount = 0

    /// Whether only the end of the connection ends the body.
    var isUntilClose: Bool {
        if case .untilClose = stage { true } else { false }
    }

    private init(_ stage: Stage) {
        self.stage = stage
    }

    static var chunked: BodyDecoder {
        BodyDecoder(.chunkLine(.sizeStart, size: 0, byteCount: 0))
    }

    static var untilClose: BodyDecoder { BodyDecoder(.untilClose) }

    /// Reads on; the trailer section goes into `trailers`.
    mutating func next(
        _ input: Span<UInt8>, trailers: inout Fields, limits: Limits
    ) throws(ParseError) -> Decoded {
        var position = 0
        while true {
            switch stage {
            case .ended:
                return Decoded(event: .end, consumed: position)
            case .untilClose:
                if input.isEmpty { return Decoded(event: .needMore, consumed: 0) }
                return Decoded(event: .body(0..<input.count), consumed: input.count)
            case .chunkData(let remaining):
                let taken = take(remaining, of: input, from: position)
                if taken.isEmpty { return Decoded(event: .needMore, consumed: position) }
                let left = remaining - UInt64(taken.count)
                stage =
                    left == 0
                    ? .chunkEnd(sawCarriageReturn: false) : .chunkData(remaining: left)
                return Decoded(event: .body(taken), consumed: taken.upperBound)
            case .trailers(var reader):
                let isComplete = try BodyDecoder.readTrailers(
                    input, from: &position, &reader, into: &trailers, limits)
                stage = isComplete ? .ended : .trailers(reader)
                if !isComplete { return Decoded(event: .needMore, consumed: position) }
            case .chunkEnd(sawCarriageReturn: false) where input.isLineEnd(at: position):
                position += 2
                stage = .chunkLine(.sizeStart, size: 0, byteCount: 0)
            case .chunkLine(.sizeStart, size: 0, byteCount: 0)
            where takeRegularChunkLine(of: input, from: &position, limits):
                continue
            case .chunkLine, .chunkEnd:
                if position == input.count { return Decoded(event: .needMore, consumed: position) }
                try readChunkFrame(input[position], limits)
                position += 1
            }
        }
    }

    /// Takes what `input` has of a body that is complete after `remaining` bytes.
    @inline(__always)
    static func take(_ remaining: inout UInt64, of input: Span<UInt8>) -> Decoded {
        if remaining == 0 { return Decoded(event: .end, consumed: 0) }
        let available = UInt64(truncatingIfNeeded: input.count)
        let count = Int(truncatingIfNeeded: min(remaining, available))
        if count == 0 { return Decoded(event: .needMore, consumed: 0) }
        remaining &-= UInt64(truncatingIfNeeded: count)
        return Decoded(event: .body(0..<count), consumed: count)
    }

    private func take(_ remaining: UInt64, of input: Span<UInt8>, from position: Int) -> Range<Int>
    {
        let available = input.count - position
        let count = remaining < UInt64(available) ? Int(remaining) : available
        return position..<position + count
    }

    /// Takes a whole line of a few digits and CRLF, as nearly all are, in one step; any other one
    /// is left to ``readChunkFrame(_:_:)``.
    private mutating func takeRegularChunkLine(
        of input: Span<UInt8>, from position: inout Int, _ limits: Limits
    ) -> Bool {
        let mostDigits = min(8, limits.chunkLineBytes)
        var index = position
        var size: UInt64 = 0
        while index < input.count, index &- position < mostDigits,
            let digit = input[index].hexadecimalValue
        {
            size = size &<< 4 | UInt64(digit)
            index &+= 1
        }
        guard index > position, input.isLineEnd(at: index) else { return false }
        position = index &+ 2
        stage = size == 0 ? .trailers(FieldReader()) : .chunkData(remaining: size)
        return true
    }

    /// Reads one byte of what stands between the data of two chunks.
    private mutating func readChunkFrame(_ byte: UInt8, _ limits: Limits) throws(ParseError) {
        if case .chunkEnd(let sawCarriageReturn) = stage {
            guard byte == (sawCarriageReturn ? lineFeed : carriageReturn) else {
                throw .chunkDataUnterminated
            }
            stage =
                sawCarriageReturn
                ? .chunkLine(.sizeStart, size: 0, byteCount: 0) : .chunkEnd(sawCarriageReturn: true)
            return
        }
        guard case .chunkLine(var line, var size, let byteCount) = stage else { return }
        try line.read(byte, size: &size)
        if line == .complete {
            stage = size == 0 ? .trailers(FieldReader()) : .chunkData(remaining: size)
            return
        }
        if line.isExtension { extensionByteCount += 1 }
        if extensionByteCount > limits.chunkExtensionBytes { throw .chunkExtensionsTooLarge }
        if line != .lineFeed, byteCount >= limits.chunkLineBytes { throw .chunkLineTooLong }
        stage = .chunkLine(line, size: size, byteCount: byteCount + 1)
    }

    private static func readTrailers(
        _ input: Span<UInt8>, from position: inout Int, _ reader: inout FieldReader,
        into trailers: inout Fields, _ limits: Limits
    ) throws(ParseError) -> Bool {
        let isComplete = try reader.collect(
            input, from: &position, into: &trailers, notPast: limits.trailerBytes,
            orThrow: .trailersTooLarge, limits: limits)
        if !isComplete { return false }
        for index in trailers.indices where isForbiddenTrailer(trailers[index].known) {
            throw .trailerForbidden
        }
        return true
    }
}

/// Whether the field says what a reader must know before the body (RFC 9110 §6.5.1).
private func isForbiddenTrailer(_ name: FieldName) -> Bool {
    switch name {
    case .connection, .contentLength, .cookie, .expect, .host, .http2Settings, .keepAlive,
        .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .xForwardedClientCert,
        .xForwardedFor:
        true
    case .other, .date, .xRequestID:
        false
    }
}
