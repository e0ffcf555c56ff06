/// One request to the control plane's API.
public struct Request: Equatable, Sendable {
    public var method: String
    /// Path and query.
    public var target: String
    public var fields: [(name: String, value: String)] = []
    public var body: JSONValue?

    public init(
        _ method: String, _ target: String, fields: [(name: String, value: String)] = [],
        body: JSONValue? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
    }

    public static func == (left: Request, right: Request) -> Bool {
        left.method == right.method && left.target == right.target && left.body == right.body
            && left.fields.elementsEqual(right.fields) { $0 == $1 }
    }
}

/// A whole answer.
public struct Response: Equatable, Sendable {
    public var status: UInt16
    public var entityTag: String?
    public var body: [UInt8]

    public var isSuccess: Bool { (200..<300).contains(status) }
}
