import Bytes
public import HTTP
public import Kernel

/// A whole request, as an ``HTTPServer`` hands it over.
public struct HTTPRequest: Sendable {
    public let method: Method
    /// The method as it was sent.
    public let methodText: String
    /// Host and port; empty when an HTTP/1.0 client named none.
    public let authority: String
    /// The path as it was sent, percent-encoded and without the query.
    public let path: String
    /// What stands behind the question mark, as it was sent; `nil` when there is none.
    public let query: String?
    /// Names in the case that they came in; hop-by-hop fields included.
    public let fields: [(name: String, value: String)]
    public let body: [UInt8]
    /// Where the client connects from.
    public let peer: SocketAddress

    init(_ head: borrowing RequestHead, body: [UInt8], peer: SocketAddress) {
        method = head.method
        methodText = String(head.methodBytes)
        authority = String(head.authority)
        let target = head.path
        let pathEnd = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        path = String(target.extracting(0..<pathEnd))
        query =
            pathEnd == target.count ? nil : String(target.extracting((pathEnd + 1)...))
        var fields: [(name: String, value: String)] = []
        for index in head.fields.indices {
            fields.append(
                (String(head.fields.name(at: index)), String(head.fields.value(at: index))))
        }
        self.fields = fields
        self.body = body
        self.peer = peer
    }

    /// The value of the first field with that name, in letters of either case.
    public func value(of name: String) -> String? {
        let wanted = Array(name.utf8)
        return fields.first { Array($0.name.utf8).span.equalsIgnoringCase(wanted.span) }?.value
    }

    /// The segments of the path between its slashes, with escapes undone.
    ///
    /// A slash that was escaped stays inside its segment. `nil` when an escape is not UTF-8.
    public var pathSegments: [String]? {
        var segments: [String] = []
        for segment in path.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
        {
            guard let text = decoded(segment, plusIsSpace: false) else { return nil }
            segments.append(text)
        }
        return segments
    }

    /// The parameters of the query in their order, with escapes undone.
    ///
    /// `nil` when an escape is not UTF-8. A parameter without `=` has an empty value.
    public var parameters: [(name: String, value: String)]? {
        guard let query else { return [] }
        var parameters: [(name: String, value: String)] = []
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            let nameEnd = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let valueStart = nameEnd == part.endIndex ? nameEnd : part.index(after: nameEnd)
            guard let name = decoded(part[..<nameEnd], plusIsSpace: true),
                let value = decoded(part[valueStart...], plusIsSpace: true)
            else { return nil }
            parameters.append((name, value))
        }
        return parameters
    }

    /// The value of the first parameter with that name.
    public func parameter(_ name: String) -> String? {
        parameters?.first { $0.name == name }?.value
    }
}

/// Undoes escapes; the decoder has seen to it that each has its two digits.
private func decoded(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%") {
            guard let high = rest.popFirst().flatMap(digit),
                let low = rest.popFirst().flatMap(digit)
            else { return nil }
            bytes.append(high << 4 | low)
        } else {
            bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

private func digit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8(truncatingIfNeeded: $0) }
}
