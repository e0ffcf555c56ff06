import YAML

/// Writes a JSON document as YAML in block style, members in the order of their names.
public enum YAMLText {
    public static func render(_ value: JSONValue) -> String { Node(value).yaml }
}

extension Node {
    fileprivate init(_ value: JSONValue) {
        switch value {
        case .null, .bool, .integer, .number:
            self.init(.scalar(Scalar(text: value.plainText, isPlain: true)))
        case .string(let text): self = .string(text)
        case .array(let elements): self = .sequence(elements.map(Node.init))
        case .object: self = .mapping(value.members.map { Entry($0.name, Node($0.value)) })
        }
    }
}
