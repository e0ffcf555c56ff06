/// The control plane's API, as far as commands need it.
public struct ControlPlane: Sendable {
    public let client: HTTPClient
    /// Who is written beside every change.
    public let user: String?

    public init(client: HTTPClient, user: String?) {
        self.client = client
        self.user = user
    }

    /// A document and the tag that guards a later change of it (RFC 9110 §8.8.3).
    public struct Tagged: Equatable, Sendable {
        public var document: JSONValue
        public var entityTag: String?
    }

    /// What a change has to say beside its document.
    public struct Intent: Equatable, Sendable {
        public var reason: String?
        /// Whether the change is only checked.
        public var isDryRun = false
        /// The tag of the document that the change is based on; refused when that is no longer so.
        public var basis: Basis = .any

        public init(reason: String? = nil, isDryRun: Bool = false, basis: Basis = .any) {
            self.reason = reason
            self.isDryRun = isDryRun
            self.basis = basis
        }
    }

    public enum Basis: Equatable, Sendable {
        case any
        case tag(String)
        /// The document must not exist yet.
        case absent
    }

    /// Reads a document.
    ///
    /// - Throws: ``ConsoleError/refused(_:)`` for every answer that is not a success.
    public func get(_ target: String) throws(ConsoleError) -> Tagged {
        let response = try client.send(Request("GET", target))
        return Tagged(document: try document(of: response), entityTag: response.entityTag)
    }

    /// Most pages of one list.
    private static let pageLimit = 1000

    /// Reads a list page by page.
    ///
    /// - Parameters:
    ///   - target: The list, without a query.
    ///   - cursor: The parameter that takes where the next page begins.
    ///   - limit: Most items; `nil` reads all.
    /// - Returns: The items in their order.
    /// - Throws: ``ConsoleError/refused(_:)`` for every answer that is not a success.
    public func list(
        _ target: String, cursor: String, limit: Int? = nil
    ) throws(ConsoleError) -> [JSONValue] {
        var items: [JSONValue] = []
        var parameters = limit.map { ["limit=\(min($0, 1000))"] } ?? []
        for _ in 0..<Self.pageLimit {
            let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
            let page = try get(target + query).document
            items += page["items"]?.elements ?? []
            let isEnough = limit.map { items.count >= $0 } ?? false
            guard let next = page["next"], next != .null, !isEnough else { break }
            parameters = ["\(cursor)=\(Self.percentEncoded(next.plainText))"]
        }
        return Array(items.prefix(limit ?? items.count))
    }

    /// Reads a document that may not be there; `nil` for a 404.
    public func find(_ target: String) throws(ConsoleError) -> Tagged? {
        do throws(ConsoleError) {
            return try get(target)
        } catch {
            if case .refused(let problem) = error, problem.status == 404 { return nil }
            throw error
        }
    }

    /// Changes something and returns what the control plane says of it.
    ///
    /// - Throws: ``ConsoleError/refused(_:)`` for every answer that is not a success.
    public func change(
        _ method: String, _ target: String, body: JSONValue? = nil, intent: Intent
    ) throws(ConsoleError) -> JSONValue {
        var target = target
        func add(_ parameter: String) {
            target += (target.contains("?") ? "&" : "?") + parameter
        }
        if intent.isDryRun { add("dryRun=true") }
        if let reason = intent.reason { add("reason=\(Self.percentEncoded(reason))") }
        var fields: [(name: String, value: String)] = []
        if let user { fields.append(("x-pointsman-user", Self.fieldValue(user))) }
        switch intent.basis {
        case .any: break
        case .tag(let tag): fields.append(("if-match", tag))
        case .absent: fields.append(("if-none-match", "*"))
        }
        let response = try client.send(Request(method, target, fields: fields, body: body))
        return try document(of: response)
    }

    /// Reads how far a revision has come.
    public func status(ofRevision number: Int64) throws(ConsoleError) -> RevisionStatus {
        let document = try get("/v1/revisions/\(number)").document
        // Without it the revision would seem to be in effect on all of no sidecars.
        guard document["inEffect"]?["of"]?.whole != nil else {
            throw .brokenAnswer(client.address.description)
        }
        return RevisionStatus(number: number, coverage: document["inEffect"])
    }

    private func document(of response: Response) throws(ConsoleError) -> JSONValue {
        if !response.isSuccess {
            throw .refused(Problem(status: response.status, body: response.body))
        }
        guard let document = JSONValue(json: response.body) else {
            throw .brokenAnswer(client.address.description)
        }
        return document
    }

    /// `text` as one segment of a path or one value of a query (RFC 3986 §2.1).
    public static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let isUnreserved =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            if isUnreserved {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    /// `text` without the control characters that would end a field (RFC 9110 §5.5).
    private static func fieldValue(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
