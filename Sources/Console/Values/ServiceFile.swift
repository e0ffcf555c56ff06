import Kernel
import YAML

/// The services of a document that `apply` takes, in YAML or JSON: a mapping under `services`, or
/// what `get services` prints as one of them or as a list.
public struct ServiceFile: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var name: String
        public var document: JSONValue
    }

    /// In the order in which they are written.
    public let entries: [Entry]

    /// Most bytes of a document.
    public static let byteLimit = 16 * 1_048_576

    /// Reads a file, or standard input for `-`.
    ///
    /// - Throws: ``ConsoleError/file(path:_:)`` or ``ConsoleError/document(path:fault:)``.
    public init(reading path: String) throws(ConsoleError) {
        let contents: [UInt8]
        do throws(Errno) {
            contents = try File.read(path == "-" ? "/dev/stdin" : path, limit: Self.byteLimit)
        } catch {
            throw .file(path: path, error)
        }
        try self.init(parsing: contents, path: path == "-" ? "standard input" : path)
    }

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - contents: YAML or JSON.
    ///   - path: What the document is called in messages.
    /// - Throws: ``ConsoleError/document(path:fault:)``; what a service must be like is for the
    ///   control plane to say.
    public init(parsing contents: [UInt8], path: String) throws(ConsoleError) {
        let document: Document
        do throws(DocumentError) {
            document = try Document(parsing: contents)
        } catch {
            throw .document(path: path, fault: .malformed(reason: error.description))
        }
        entries = try Self.entries(of: document.root, path: path)
        if entries.isEmpty { throw .document(path: path, fault: .noServices) }
        var names: Set<String> = []
        for entry in entries where !names.insert(entry.name).inserted {
            throw .document(path: path, fault: .repeatedName(entry.name))
        }
    }

    private static func entries(of root: Node, path: String) throws(ConsoleError) -> [Entry] {
        if let list = root.elements {
            return try list.map { node throws(ConsoleError) in
                try named(node, path: path)
            }
        }
        if root["name"] != nil { return [try named(root, path: path)] }
        for entry in root.entries ?? [] where entry.key != "services" {
            throw .document(path: path, fault: .unknownKey(entry.key))
        }
        guard let services = root["services"], !services.isNull else { return [] }
        guard let entries = services.entries else {
            throw .document(path: path, fault: .notAMapping(path: "services"))
        }
        return try entries.map { service throws(ConsoleError) in
            if service.value.entries == nil {
                throw .document(path: path, fault: .notAMapping(path: "services.\(service.key)"))
            }
            return Entry(name: service.key, document: JSONValue(service.value))
        }
    }

    /// A service as `get services -o yaml` shows it, which can be edited and applied: its
    /// `revision` makes the change fail when somebody else came first.
    private static func named(_ node: Node, path: String) throws(ConsoleError) -> Entry {
        let document = JSONValue(node)
        guard let name = document["name"]?.text, !name.isEmpty else {
            throw .document(path: path, fault: .noName)
        }
        return Entry(name: name, document: document)
    }
}

extension JSONValue {
    init(_ node: Node) {
        switch node.content {
        case .scalar(let scalar):
            self =
                switch scalar.value {
                case .null: .null
                case .bool(let value): .bool(value)
                case .integer(let value): .integer(value)
                case .number(let value): value.isFinite ? .number(value) : .string(scalar.text)
                case .string(let value): .string(value)
                }
        case .sequence(let elements): self = .array(elements.map(JSONValue.init))
        case .mapping(let entries):
            self = .object(
                Dictionary(entries.map { ($0.key, JSONValue($0.value)) }) { _, last in last })
        }
    }
}
