import Bytes
import HTTP

/// A request line taken apart (RFC 9112 §3): positions in the line.
struct RequestLine {
    var method: Range<Int>
    var target: Range<Int>
    var version: Version

    /// Takes `line` apart, which holds no CRLF.
    ///
    /// One space stands between the parts and none elsewhere, so that a target with a space in it
    /// cannot be read in two ways.
    init(_ line: Span<UInt8>) throws(ParseError) {
        let methodEnd = line.prefixCount(in: .token)
        if methodEnd == 0 { throw .methodInvalid }
        guard methodEnd < line.count, line[methodEnd] == space else {
            throw methodEnd == line.count ? .requestLineInvalid : .methodInvalid
        }
        let targetStart = methodEnd + 1
        guard let targetEnd = line.firstIndex(of: space, from: targetStart) else {
            throw .requestLineInvalid
        }
        if targetEnd == targetStart { throw .requestLineInvalid }
        guard let version = Version.reading(line.extracting((targetEnd + 1)...)) else {
            throw .requestLineInvalid
        }
        switch version {
        case .known(let version): self.version = version
        case .unsupported: throw .versionUnsupported
        }
        method = 0..<methodEnd
        target = targetStart..<targetEnd
    }
}

/// A request line that is whole and asks for a path, as nearly all do, read in one pass.
///
/// Whatever else there is, such as a line that is not complete, or a mistake, is left to
/// ``LineReader`` and ``RequestLine``, which judge it.
struct RegularRequestLine {
    let method: Method
    let methodRange: ByteRange
    let targetRange: ByteRange
    let version: Version
    /// Behind the line's CRLF.
    let end: Int

    @inline(__always)
    init?(_ bytes: Span<UInt8>, from start: Int, notPast limit: Int) {
        let methodEnd = bytes.tokenEnd(from: start)
        let targetStart = methodEnd + 1
        guard methodEnd > start, targetStart < bytes.count, bytes[methodEnd] == space,
            bytes[targetStart] == UInt8(ascii: "/")
        else { return nil }
        let targetEnd = pathAndQueryEnd(bytes, from: targetStart)
        let rest = bytes.part(at: targetEnd, count: bytes.count - targetEnd)
        if rest.starts(with: " HTTP/1.1\r\n") {
            version = .http11
        } else if rest.starts(with: " HTTP/1.0\r\n") {
            version = .http10
        } else {
            return nil
        }
        end = targetEnd + " HTTP/1.1\r\n".utf8.count
        let text = bytes.part(at: start, count: bytes.count - start)
        method = Method(in: text, count: methodEnd - start)
        if method == .connect || end > limit { return nil }
        methodRange = ByteRange(start..<methodEnd)
        targetRange = ByteRange(targetStart..<targetEnd)
    }
}

/// What a start line says about the protocol (RFC 9112 §2.3).
enum VersionText {
    case known(Version)
    case unsupported
}

extension Version {
    /// Reads `HTTP/` DIGIT `.` DIGIT, in capitals; anything else is no version at all.
    ///
    /// A higher minor version means the same to us as 1.1 (RFC 9110 §2.5).
    static func reading(_ text: Span<UInt8>) -> VersionText? {
        guard text.count == 8, text.extracting(0..<5).equals("HTTP/"), text[5].isASCIIDigit,
            text[6] == UInt8(ascii: "."), text[7].isASCIIDigit
        else { return nil }
        if text[5] != UInt8(ascii: "1") { return .unsupported }
        return .known(text[7] == UInt8(ascii: "0") ? .http10 : .http11)
    }
}
