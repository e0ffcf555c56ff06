import SwiftProtobuf
import YAML

/// Reads a message from a tree by the JSON form of protobuf, and finds the field that is wrong.
///
/// SwiftProtobuf says which name or value it does not take, but not where it stands. So when a tree
/// is refused, parts of it are tried alone, from the outside in, until one is found that is refused
/// although what is around it is not.
struct MessageReader<M: Message> {
    init(_ type: M.Type) {
        Proto.registerTypes()
    }

    /// - Throws: ``BootstrapError`` with the path of the field.
    func read(_ tree: Node) throws(BootstrapError) -> M {
        do {
            return try message(tree)
        } catch {
            throw culprit(in: tree, path: "") { $0 }
        }
    }

    /// Values of type `Any` are read late; to write them out reads them all.
    private func message(_ tree: Node) throws -> M {
        let bytes: [UInt8] = try M(jsonString: tree.json).serializedBytes()
        return try M(serializedBytes: bytes)
    }

    private func isRefused(_ tree: Node) -> Bool {
        do {
            _ = try message(tree)
            return false
        } catch {
            return true
        }
    }

    // `whole` puts a part where `node` stands, with nothing beside it.
    private func culprit(
        in node: Node, path: String, whole: (Node) -> Node
    ) -> BootstrapError {
        switch node.content {
        case .scalar(let scalar):
            return BootstrapError(
                path: path, reason: "\"\(scalar.text)\" is not a valid value",
                position: node.position)
        case .sequence(let elements):
            if isRefused(whole(.sequence([]))) {
                return BootstrapError(
                    path: path, reason: "must not be a list", position: node.position)
            }
            for (index, element) in elements.enumerated() {
                func around(_ part: Node) -> Node { whole(.sequence([part])) }
                if isRefused(around(element)) {
                    return culprit(in: element, path: "\(path)[\(index)]", whole: around)
                }
            }
            return BootstrapError(
                path: path, reason: "is not a valid list", position: node.position)
        case .mapping(let entries):
            return culprit(among: entries, of: node, path: path, whole: whole)
        }
    }

    private func culprit(
        among entries: [Node.Entry], of node: Node, path: String, whole: (Node) -> Node
    ) -> BootstrapError {
        let type = entries.filter { $0.key == "@type" }
        if isRefused(whole(.mapping(type))) {
            let reason =
                type.first?.value.scalar.map { "\($0.text) is not supported" }
                ?? "must not be a mapping, or lacks its @type"
            return BootstrapError(path: path, reason: reason, position: node.position)
        }
        for entry in entries where entry.key != "@type" {
            func around(_ part: Node) -> Node {
                whole(.mapping(type + [Node.Entry(entry.key, part)]))
            }
            guard isRefused(around(entry.value)) else { continue }
            let inner = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            if isRefused(around(.null)) {
                return BootstrapError(
                    path: inner, reason: "is not known or not supported",
                    position: entry.keyPosition)
            }
            return culprit(in: entry.value, path: inner, whole: around)
        }
        return BootstrapError(
            path: path, reason: "has fields that exclude each other", position: node.position)
    }
}
