/// Fields to remove from a head, and then fields to add to it.
public struct HeaderMutations: Equatable, Sendable {
    /// One field to add: `envoy.config.core.v3.HeaderValueOption`.
    public struct Addition: Equatable, Sendable {
        /// What to do about fields of that name (`HeaderValueOption.HeaderAppendAction`).
        public enum Action: Equatable, Sendable {
            /// Adds another field (`APPEND_IF_EXISTS_OR_ADD`).
            case append
            case addIfAbsent
            /// Replaces all fields of that name (`OVERWRITE_IF_EXISTS_OR_ADD`).
            case overwrite
            case overwriteIfExists
        }

        public let name: String
        /// Literal text; `%%` of the configuration is one `%` here.
        public let value: String
        public let action: Action
        /// Whether the field is added although its value is empty.
        public let keepsEmptyValue: Bool

        /// Makes an addition.
        ///
        /// - Throws: ``MeshError`` when the name is not a field name or names the authority, or the
        ///   value could break a header block or holds a command operator such as `%REQ(x)%`.
        public init(
            name: String, value: String, action: Action = .append, keepsEmptyValue: Bool = false
        ) throws(MeshError) {
            try require(mutableName: name, "header.key")
            try require(fieldValue: value, "header.value")
            self.name = name
            self.value = try Self.literal(value)
            self.action = action
            self.keepsEmptyValue = keepsEmptyValue
        }

        private static func literal(_ value: String) throws(MeshError) -> String {
            let parts = value.split(separator: "%%", omittingEmptySubsequences: false)
            for part in parts where part.contains("%") {
                throw MeshError("header.value", "command operators (%…%) are not supported")
            }
            return parts.joined(separator: "%")
        }
    }

    public static let none = HeaderMutations()

    public let additions: [Addition]
    /// Names in lower case.
    public let removals: [String]

    private init() {
        additions = []
        removals = []
    }

    /// Makes a set of mutations.
    ///
    /// - Throws: ``MeshError`` when a name to remove is not a field name or names the authority.
    public init(add additions: [Addition], remove removals: [String] = []) throws(MeshError) {
        for (index, name) in removals.enumerated() {
            try require(mutableName: name, "[\(index)]")
        }
        self.additions = additions
        self.removals = removals.map(\.asciiLowercased)
    }

    public var isEmpty: Bool { additions.isEmpty && removals.isEmpty }
}

/// Throws when `name` is not a field that a configuration may touch.
private func require(mutableName name: String, _ path: String) throws(MeshError) {
    if name.hasPrefix(":") { throw MeshError(path, "\(name) cannot be changed") }
    try require(fieldName: name, path)
    switch name.asciiLowercased {
    case "host":
        throw MeshError(path, "host is changed by host_rewrite_literal only")
    case "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "te",
        "trailer", "proxy-connection":
        throw MeshError(path, "\(name) belongs to the connection and cannot be changed")
    default: break
    }
}
