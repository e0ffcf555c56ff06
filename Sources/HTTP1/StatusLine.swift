import Bytes
import HTTP

/// A status line taken apart (RFC 9112 §4): positions in the line.
struct StatusLine {
    var version: Version
    var status: UInt16
    var reason: Range<Int>

    /// Takes `line` apart, which holds no CRLF and no control byte but tabs.
    ///
    /// The space behind the code may be missing with an empty reason, as some servers send it.
    init(_ line: Span<UInt8>) throws(ParseError) {
        guard line.count >= 12, case .known(let version)? = Version.reading(line.extracting(0..<8)),
            line[8] == space
        else { throw .statusLineInvalid }
        var status: UInt16 = 0
        for index in 9..<12 {
            guard line[index].isASCIIDigit else { throw .statusLineInvalid }
            status = status * 10 + UInt16(line[index] - UInt8(ascii: "0"))
        }
        if status < 100 { throw .statusLineInvalid }
        if line.count > 12, line[12] != space { throw .statusLineInvalid }
        self.version = version
        self.status = status
        reason = min(13, line.count)..<line.count
    }
}

/// A status line that is whole and holds nothing unusual, as nearly all do, read in one pass.
///
/// Whatever else there is, such as a line that is not complete, or a mistake, is left to
/// ``LineReader`` and ``StatusLine``, which judge it.
struct RegularStatusLine {
    let version: Version
    let status: UInt16
    let reason: ByteRange
    /// Behind the line's CRLF.
    let end: Int

    @inline(__always)
    init?(_ bytes: Span<UInt8>, notPast limit: Int) {
        let reasonStart = "HTTP/1.1 200 ".utf8.count
        if bytes.count < reasonStart { return nil }
        if bytes.starts(with: "HTTP/1.1 ") {
            version = .http11
        } else if bytes.starts(with: "HTTP/1.0 ") {
            version = .http10
        } else {
            return nil
        }
        let (hundreds, tens, ones) = (bytes[9] &- 0x30, bytes[10] &- 0x30, bytes[11] &- 0x30)
        guard hundreds &- 1 < 9, tens < 10, ones < 10, bytes[12] == space else { return nil }
        status = UInt16(hundreds) &* 100 &+ UInt16(tens) &* 10 &+ UInt16(ones)
        let reasonEnd = bytes.firstControlIndex(from: reasonStart)
        guard bytes.isLineEnd(at: reasonEnd), reasonEnd + 2 <= limit else { return nil }
        reason = ByteRange(from: reasonStart, to: reasonEnd)
        end = reasonEnd + 2
    }
}
