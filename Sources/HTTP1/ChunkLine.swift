import Bytes

/// The grammar of `chunk-size [ chunk-ext ] CRLF`, a byte at a time (RFC 9112 §7.1).
///
/// Extensions mean nothing to us and are not forwarded, yet they are read strictly: where one
/// reader sees an extension and another the end of the line, a request can hide.
enum ChunkLine: UInt8, Sendable {
    case sizeStart
    case size
    /// Blanks that must lead to a semicolon.
    case beforeSemicolon
    case beforeName
    case name
    /// Blanks that must lead to an equals sign or a semicolon.
    case afterName
    case beforeValue
    case value
    case quoted
    case escaped
    case afterQuoted
    case lineFeed
    case complete

    /// Whether the byte just read belongs to an extension.
    var isExtension: Bool {
        switch self {
        case .sizeStart, .size, .lineFeed, .complete: false
        case .beforeSemicolon, .beforeName, .name, .afterName, .beforeValue, .value, .quoted,
            .escaped, .afterQuoted:
            true
        }
    }

    mutating func read(_ byte: UInt8, size: inout UInt64) throws(ParseError) {
        switch self {
        case .sizeStart, .size: try readSize(byte, &size)
        case .beforeSemicolon, .beforeName, .name, .afterName: try readName(byte)
        case .beforeValue, .value, .quoted, .escaped, .afterQuoted: try readValue(byte)
        case .lineFeed, .complete:
            guard byte == HTTP1.lineFeed else { throw .bareCarriageReturn }
            self = .complete
        }
    }

    private mutating func readSize(_ byte: UInt8, _ size: inout UInt64) throws(ParseError) {
        if let digit = byte.hexadecimalValue {
            if size > UInt64(Int64.max) >> 4 { throw .chunkSizeTooLarge }
            size = size << 4 | UInt64(digit)
            self = .size
        } else if self == .sizeStart {
            throw .chunkSizeInvalid
        } else {
            self = try afterElement(byte, orThrow: .chunkSizeInvalid)
        }
    }

    private mutating func readName(_ byte: UInt8) throws(ParseError) {
        switch self {
        case .beforeName:
            if isBlank(byte) { return }
            guard ByteSet.token.contains(byte) else { throw .chunkExtensionInvalid }
            self = .name
        case .name:
            if ByteSet.token.contains(byte) { return }
            if byte == UInt8(ascii: "=") {
                self = .beforeValue
            } else if isBlank(byte) {
                self = .afterName
            } else {
                self = try afterElement(byte, orThrow: .chunkExtensionInvalid)
            }
        case .afterName where byte == UInt8(ascii: "="):
            self = .beforeValue
        default:
            if isBlank(byte) { return }
            guard byte == UInt8(ascii: ";") else { throw .chunkExtensionInvalid }
            self = .beforeName
        }
    }

    private mutating func readValue(_ byte: UInt8) throws(ParseError) {
        switch self {
        case .beforeValue:
            if isBlank(byte) { return }
            if byte == UInt8(ascii: "\"") {
                self = .quoted
            } else {
                guard ByteSet.token.contains(byte) else { throw .chunkExtensionInvalid }
                self = .value
            }
        case .quoted, .escaped:
            // A line end inside quotes is where the readings of two parsers part.
            if byte < 0x20 && byte != tab || byte == 0x7F { throw .chunkExtensionInvalid }
            if self == .escaped {
                self = .quoted
            } else if byte == UInt8(ascii: "\\") {
                self = .escaped
            } else if byte == UInt8(ascii: "\"") {
                self = .afterQuoted
            }
        default:
            if self == .value, ByteSet.token.contains(byte) { return }
            self = try afterElement(byte, orThrow: .chunkExtensionInvalid)
        }
    }

    /// What may follow a size, a name or a value: the line's end, blanks or another extension.
    private func afterElement(
        _ byte: UInt8, orThrow error: ParseError
    ) throws(ParseError) -> ChunkLine {
        switch byte {
        case carriageReturn: return .lineFeed
        case HTTP1.lineFeed: throw .bareLineFeed
        case space, tab: return .beforeSemicolon
        case UInt8(ascii: ";"): return .beforeName
        default: throw error
        }
    }

}
