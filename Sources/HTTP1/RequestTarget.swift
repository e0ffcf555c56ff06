import Bytes
import HTTP

/// A request target taken apart (RFC 9112 §3.2): positions in the target.
enum RequestTarget {
    /// Path and query; the authority is in Host.
    case origin
    /// A whole URI. `path` may be empty, or begin with the query.
    case absolute(authority: Range<Int>, path: Range<Int>)
    /// Host and port, for CONNECT.
    case authority
    /// `*`, for OPTIONS.
    case asterisk

    /// Takes `target` apart, which is not empty.
    ///
    /// What RFC 3986 §2 does not allow is refused, since the next reader might escape it, cut it
    /// off or end the target there.
    init(_ target: Span<UInt8>, method: Method) throws(ParseError) {
        if method == .connect {
            guard Authority.read(target)?.hasPort == true else { throw .targetInvalid }
            self = .authority
        } else if target[0] == UInt8(ascii: "/") {
            guard isPathAndQuery(target) else { throw .targetInvalid }
            self = .origin
        } else if target[0] == UInt8(ascii: "*") {
            guard target.count == 1, method == .options else { throw .targetInvalid }
            self = .asterisk
        } else {
            self = try RequestTarget(absolute: target)
        }
    }

    /// Takes `http://authority[/path][?query]` apart; other schemes are not served here.
    private init(absolute target: Span<UInt8>) throws(ParseError) {
        let schemeCount = "http://".utf8.count
        guard target.count > schemeCount,
            target.extracting(0..<schemeCount).equalsIgnoringCase("http://")
        else { throw .targetInvalid }
        var end = schemeCount
        while end < target.count, target[end] != UInt8(ascii: "/"), target[end] != UInt8(ascii: "?")
        {
            end += 1
        }
        guard Authority.read(target.extracting(schemeCount..<end)) != nil,
            isPathAndQuery(target.extracting(end...))
        else { throw .targetInvalid }
        self = .absolute(authority: schemeCount..<end, path: end..<target.count)
    }
}

/// Whether `text` has only what path and query are made of.
private func isPathAndQuery(_ text: Span<UInt8>) -> Bool {
    pathAndQueryEnd(text, from: 0) == text.count
}

/// Where what path and query are made of ends (RFC 3986 §3.3, §3.4).
func pathAndQueryEnd(_ text: Span<UInt8>, from start: Int) -> Int {
    var index = text.pathAndQueryEnd(from: start)
    while index < text.count, text[index] == UInt8(ascii: "%"), isEscape(text, at: index) {
        index = text.pathAndQueryEnd(from: index + 3)
    }
    return index
}

/// Whether two hexadecimal digits follow the percent sign at `index`.
private func isEscape(_ text: Span<UInt8>, at index: Int) -> Bool {
    text.count - index > 2 && ByteSet.hexadecimal.contains(text[index + 1])
        && ByteSet.hexadecimal.contains(text[index + 2])
}

/// Host and optional port (RFC 3986 §3.2.2, §3.2.3), without user information (RFC 9110 §4.2.4).
struct Authority {
    var hasPort: Bool

    /// Reads `text`; `nil` when it is no authority or when its host is empty.
    static func read(_ text: Span<UInt8>) -> Authority? {
        if text.isEmpty { return nil }
        let isLiteral = text[0] == UInt8(ascii: "[")
        guard let hostEnd = isLiteral ? endOfLiteral(text) : endOfName(text) else { return nil }
        if hostEnd == text.count { return Authority(hasPort: false) }
        guard text[hostEnd] == UInt8(ascii: ":") else { return nil }
        let port = text.extracting((hostEnd + 1)...)
        return isPort(port) ? Authority(hasPort: !port.isEmpty) : nil
    }

    private static func endOfName(_ text: Span<UInt8>) -> Int? {
        var end = text.end(of: .registeredName, from: 0)
        while end < text.count, text[end] == UInt8(ascii: "%") {
            guard isEscape(text, at: end) else { return nil }
            end = text.end(of: .registeredName, from: end + 3)
        }
        return end == 0 ? nil : end
    }

    /// The end of an IPv6 address in brackets; a zone or a future version is not understood.
    private static func endOfLiteral(_ text: Span<UInt8>) -> Int? {
        var colons = 0
        var index = 1
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "]"): return colons >= 2 ? index + 1 : nil
            case UInt8(ascii: ":"): colons += 1
            case UInt8(ascii: "."): break
            case let byte where ByteSet.hexadecimal.contains(byte): break
            default: return nil
            }
            index += 1
        }
        return nil
    }

    /// Whether `text` is empty or a number below 65536.
    private static func isPort(_ text: Span<UInt8>) -> Bool {
        var port: UInt32 = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            port = port &* 10 &+ UInt32(digit)
            if digit > 9 || port > 65535 { return false }
        }
        return true
    }
}
