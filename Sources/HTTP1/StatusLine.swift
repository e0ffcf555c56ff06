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
