/// One value of a document: a scalar, a sequence or a mapping, and where it was written.
public struct Node: Sendable {
    public indirect enum Content: Sendable, Equatable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
    }

    /// A key and its value; a mapping keeps the order in which they were written.
    public struct Entry: Sendable, Equatable {
        public var key: String
        public var keyPosition: Position?
        public var value: Node

        public init(_ key: String, _ value: Node, keyPosition: Position? = nil) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }

        public static func == (left: Entry, right: Entry) -> Bool {
            left.key == right.key && left.value == right.value
        }
    }

    public var content: Content
    /// Where the value begins; `nil` when it was made, not read.
    public var position: Position?

    public init(_ content: Content, position: Position? = nil) {
        self.content = content
        self.position = position
    }

    public static func string(_ text: String) -> Node {
        Node(.scalar(Scalar(text: text, isPlain: false)))
    }

    public static func integer(_ value: some BinaryInteger) -> Node {
        Node(.scalar(Scalar(text: String(value), isPlain: true)))
    }

    public static func number(_ value: Double) -> Node {
        Node(.scalar(Scalar(value)))
    }

    public static func bool(_ value: Bool) -> Node {
        Node(.scalar(Scalar(text: value ? "true" : "false", isPlain: true)))
    }

    public static var null: Node {
        Node(.scalar(Scalar(text: "null", isPlain: true)))
    }

    public static func sequence(_ elements: [Node]) -> Node {
        Node(.sequence(elements))
    }

    public static func mapping(_ entries: [Entry]) -> Node {
        Node(.mapping(entries))
    }

    public static func mapping(_ entries: KeyValuePairs<String, Node>) -> Node {
        Node(.mapping(entries.map { Entry($0, $1) }))
    }

    /// The value of `key` when this is a mapping that has it.
    ///
    /// Looks through the entries one by one, which suits the few keys that people write.
    public subscript(key: String) -> Node? {
        entries?.first { $0.key == key }?.value
    }

    public var scalar: Scalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    public var elements: [Node]? {
        if case .sequence(let elements) = content { elements } else { nil }
    }

    public var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    public var isNull: Bool {
        scalar?.value == .null
    }
}

extension Node: Equatable {
    /// Whether both hold the same values in the same order, wherever they were written.
    public static func == (left: Node, right: Node) -> Bool {
        left.content == right.content
    }
}

/// A place in a text, counted from one.
public struct Position: Hashable, Sendable, CustomStringConvertible {
    public var line: Int
    /// In characters.
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String {
        "line \(line), column \(column)"
    }
}
