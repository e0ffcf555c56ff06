/// A YAML or JSON text as a tree.
///
/// One document, keys that are scalars and stand once, aliases resolved, no tags but those of
/// strings, and no more of anything than ``Limits`` allows.
public struct Document: Sendable {
    /// Bounds on what one text may cost.
    public struct Limits: Sendable {
        public var byteCount = 16 << 20
        public var depth = 100
        /// Values in the tree, those that aliases repeat counted each time.
        public var nodeCount = 1_000_000

        public init() {}
    }

    public var root: Node

    /// - Throws: ``DocumentError`` with the place of the first problem.
    public init(
        parsing bytes: [UInt8], limits: Limits = Limits()
    ) throws(DocumentError) {
        guard bytes.count <= limits.byteCount else {
            throw .textTooLong(limitInBytes: limits.byteCount)
        }
        if let json = try JSONReader.root(of: bytes, limits: limits) {
            root = json
            return
        }
        var builder = TreeBuilder(reader: try EventReader(bytes), limits: limits)
        root = try builder.document()
    }

    /// - Throws: ``DocumentError`` with the place of the first problem.
    public init(parsing text: String, limits: Limits = Limits()) throws(DocumentError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

private struct TreeBuilder: ~Copyable {
    private struct Anchored {
        var node: Node
        var nodeCount: Int
        var height: Int
    }

    let reader: EventReader
    let limits: Document.Limits
    private var anchors: [String: Anchored] = [:]
    private var nodeCount = 0

    init(reader: consuming EventReader, limits: Document.Limits) {
        self.reader = reader
        self.limits = limits
    }

    /// An empty text is `null`.
    mutating func document() throws(DocumentError) -> Node {
        var root: Node?
        var isReading = true
        while isReading {
            let event = try reader.next()
            switch event.kind {
            case .streamEnd: isReading = false
            case .documentStart where root != nil: throw .severalDocuments(at: event.position)
            case .documentStart: root = try value(reader.next(), depth: 1).node
            default: continue
            }
        }
        return root ?? .null
    }

    /// - Returns: The value that begins with `event`, and how many levels it has.
    private mutating func value(
        _ event: Event, depth: Int
    ) throws(DocumentError) -> (node: Node, height: Int) {
        guard depth <= limits.depth else {
            throw .nestedTooDeep(limit: limits.depth, at: event.position)
        }
        try count(1, at: event.position)
        let countBefore = nodeCount
        var node: Node
        var height = 1
        switch event.kind {
        case .alias(let name): return try repeated(name, depth: depth, at: event.position)
        case .scalar(let scalar, let tag):
            node = Node(.scalar(try tagged(scalar, tag, at: event.position)))
        case .sequenceStart(let tag):
            try refuse(tag, except: "tag:yaml.org,2002:seq", at: event.position)
            let (elements, elementHeight) = try sequence(depth: depth)
            node = .sequence(elements)
            height += elementHeight
        case .mappingStart(let tag):
            try refuse(tag, except: "tag:yaml.org,2002:map", at: event.position)
            let (entries, entryHeight) = try mapping(depth: depth)
            node = .mapping(entries)
            height += entryHeight
        case .other, .documentStart, .streamEnd, .sequenceEnd, .mappingEnd:
            throw .syntax(problem: "a value is missing", at: event.position)
        }
        node.position = event.position
        if let anchor = event.anchor {
            anchors[anchor] = Anchored(
                node: node, nodeCount: nodeCount - countBefore + 1, height: height)
        }
        return (node, height)
    }

    private mutating func sequence(
        depth: Int
    ) throws(DocumentError) -> (elements: [Node], height: Int) {
        var elements: [Node] = []
        var height = 0
        var event = try reader.next()
        while !event.isEnd {
            let element = try value(event, depth: depth + 1)
            elements.append(element.node)
            height = max(height, element.height)
            event = try reader.next()
        }
        return (elements, height)
    }

    private mutating func mapping(
        depth: Int
    ) throws(DocumentError) -> (entries: [Node.Entry], height: Int) {
        var entries: [Node.Entry] = []
        var keys: Set<String> = []
        var height = 0
        var event = try reader.next()
        while !event.isEnd {
            guard let key = try value(event, depth: depth + 1).node.scalar?.text else {
                throw .keyNotScalar(at: event.position)
            }
            guard keys.insert(key).inserted else { throw .duplicateKey(key, at: event.position) }
            let entry = try value(reader.next(), depth: depth + 1)
            entries.append(Node.Entry(key, entry.node, keyPosition: event.position))
            height = max(height, entry.height)
            event = try reader.next()
        }
        return (entries, height)
    }

    private mutating func repeated(
        _ name: String, depth: Int, at position: Position
    ) throws(DocumentError) -> (node: Node, height: Int) {
        guard let anchored = anchors[name] else { throw .unknownAlias(name, at: position) }
        guard depth + anchored.height - 1 <= limits.depth else {
            throw .nestedTooDeep(limit: limits.depth, at: position)
        }
        try count(anchored.nodeCount - 1, at: position)
        return (anchored.node, anchored.height)
    }

    private mutating func count(_ more: Int, at position: Position) throws(DocumentError) {
        nodeCount += more
        guard nodeCount <= limits.nodeCount else {
            throw .tooManyNodes(limit: limits.nodeCount, at: position)
        }
    }

    private func tagged(
        _ scalar: Scalar, _ tag: String?, at position: Position
    ) throws(DocumentError) -> Scalar {
        if tag == "!" { return Scalar(text: scalar.text, isPlain: false) }
        guard let tag else { return scalar }
        try refuse(tag, except: "tag:yaml.org,2002:str", at: position)
        return Scalar(text: scalar.text, isPlain: false)
    }

    private func refuse(
        _ tag: String?, except allowed: String, at position: Position
    ) throws(DocumentError) {
        guard let tag, tag != "!", tag != allowed else { return }
        throw .unsupportedTag(tag, at: position)
    }
}

extension Event {
    fileprivate var isEnd: Bool {
        switch kind {
        case .sequenceEnd, .mappingEnd, .streamEnd: true
        case .other, .documentStart, .alias, .scalar, .sequenceStart, .mappingStart: false
        }
    }
}
