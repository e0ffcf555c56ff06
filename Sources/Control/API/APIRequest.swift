/// A request to the API, whatever it came in on.
struct APIRequest {
    /// The largest body in bytes.
    static let bodyLimit = 1 << 20

    var method: String
    /// As it was sent, without the query.
    var path: String
    /// As it was sent, without the question mark.
    var query: String
    var fields: [(name: String, value: String)]
    var body: [UInt8]

    init(
        _ method: String, _ target: String, fields: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = parts.count > 1 ? String(parts[1]) : ""
        self.fields = fields
        self.body = body
    }

    /// The value of the field of that lower-case name, several joined by commas; `nil` if missing.
    func field(_ name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }
}

/// An answer of the API.
struct APIReply: Equatable {
    struct Field: Equatable {
        let name: String
        let value: String
    }

    var status: UInt16
    var fields: [Field]
    var body: [UInt8]

    init(status: UInt16 = 200, fields: [Field] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// Answers with a value as JSON.
    init(_ value: some Encodable, status: UInt16 = 200, fields: [Field] = []) throws(Problem) {
        do {
            body = try encodeJSON(value)
        } catch {
            throw Problem(500, "the answer cannot be written as JSON")
        }
        self.status = status
        self.fields = [Field(name: "content-type", value: "application/json")] + fields
    }

    func value(of name: String) -> String? {
        fields.first { $0.name == name }?.value
    }
}
