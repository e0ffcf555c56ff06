/// What of a request makes it belong to the same user:
/// `envoy.config.route.v3.RouteAction.HashPolicy`.
public struct HashPolicy: Equatable, Sendable {
    public enum Source: Equatable, Sendable {
        /// The values of that field; the name is in lower case.
        case header(String)
        case cookie(Cookie)
        case sourceAddress
        /// The first query parameter of that name.
        case queryParameter(String)
    }

    public struct Cookie: Equatable, Sendable {
        public let name: String
        /// `nil`: a missing cookie is not generated; zero: it lasts as long as the browser's
        /// session.
        public let timeToLive: Duration?
        /// Empty leaves the attribute out.
        public let path: String

        /// Makes a cookie.
        ///
        /// - Throws: ``MeshError`` when the name is not a cookie's, the path could break a header
        ///   block, or the time is negative.
        public init(
            name: String, timeToLive: Duration? = nil, path: String = ""
        ) throws(MeshError) {
            try require(fieldName: name, "name")
            try require(positive: timeToLive, orZero: true, "ttl")
            try require(fieldValue: path, "path")
            if path.utf8.contains(UInt8(ascii: ";")) { throw MeshError("path", "contains ;") }
            self.name = name
            self.timeToLive = timeToLive
            self.path = path
        }
    }

    public let source: Source
    /// Whether the policies behind this one are left out when this one found something.
    public let isTerminal: Bool

    /// Makes a policy.
    ///
    /// - Throws: ``MeshError`` when a name is empty or not a field name.
    public init(_ source: Source, isTerminal: Bool = false) throws(MeshError) {
        switch source {
        case .header(let name):
            try require(fieldName: name, "header.header_name")
            self.source = .header(name.asciiLowercased)
        case .queryParameter(let name):
            try require(nonEmpty: name, "query_parameter.name")
            self.source = source
        case .cookie, .sourceAddress:
            self.source = source
        }
        self.isTerminal = isTerminal
    }
}
