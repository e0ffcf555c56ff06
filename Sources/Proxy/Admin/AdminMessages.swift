import Bytes

/// A request to the admin interface, taken out of whatever brought it.
struct AdminRequest {
    var method: String
    /// Without the query.
    var path: String
    var parameters: [(name: String, value: String)] = []
    /// Whether a browser sent it from a page (`Origin`).
    var hasOrigin = false

    subscript(parameter: String) -> String? {
        parameters.first { $0.name == parameter }?.value
    }

    func has(_ parameter: String) -> Bool { self[parameter] != nil }

    var wantsJSON: Bool { self["format"] == "json" }
}

/// An answer of the admin interface.
struct AdminResponse {
    var status: UInt16
    var contentType: String
    var allow: String?
    var body: [UInt8]

    init(status: UInt16 = 200, text: String) {
        self.status = status
        contentType = "text/plain; charset=UTF-8"
        body = Array(text.utf8)
    }

    init(_ json: JSONValue) {
        status = 200
        contentType = "application/json"
        var text = Buffer()
        json.append(to: &text)
        text.append("\n")
        body = Array(text.bytes)
    }

    init(contentType: StaticString, _ bytes: Span<UInt8>) {
        status = 200
        self.contentType = contentType.description
        body = Array(bytes)
    }

    static let done = AdminResponse(text: "OK\n")

    /// Names and values of the fields that go with it.
    ///
    /// Names of clusters come from elsewhere: no browser may take the text for a page.
    var fields: [(name: String, value: String)] {
        var fields = [
            (name: "content-type", value: contentType),
            (name: "cache-control", value: "no-cache, max-age=0"),
            (name: "x-content-type-options", value: "nosniff"),
        ]
        if let allow { fields.append((name: "allow", value: allow)) }
        return fields
    }
}

extension Array where Element == UInt8 {
    fileprivate init(_ bytes: Span<UInt8>) {
        self.init()
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}

extension String {
    /// The text with control characters replaced, so that a name cannot make up a line of its own.
    var onOneLine: String {
        if utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { return self }
        return String(
            decoding: utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }
}
