import Testing
import YAML

@Suite struct `YAML that is written` {
    @Test func `is in block style`() {
        let tree: Node = .mapping([
            "name": .string("reviews"),
            "weights": .sequence([.integer(95), .number(0.5), .null, .bool(true)]),
            "nested": .mapping(["a b": .mapping(["deep": .string("x")])]),
            "list": .sequence([
                .mapping(["p": .string("q"), "r": .sequence([.string("s")])]),
                .sequence([.string("t"), .mapping([:])]),
            ]),
            "empty": .sequence([]),
        ])
        let text = """
            name: reviews
            weights:
            - 95
            - 0.5
            - null
            - true
            nested:
              a b:
                deep: x
            list:
            - p: q
              r:
              - s
            - - t
              - {}
            empty: []

            """
        #expect(tree.yaml == text)
    }

    @Test(arguments: [
        "", "1", "true", "yes", "null", "~", "a: b", "#x", "- x", "x ", " x", "*", "0x10", "é",
        "line\nbreak", "\u{7}", "\u{FEFF}", "a\u{2028}b", "tab\t", "\\", "\"", "'", "😀", ".5", "%",
        "v1.2-rc(3)", "/path/x", "\u{85}", "=", "<<",
    ])
    func `gives each string back`(string: String) throws {
        let tree: Node = .mapping([string: .sequence([.string(string)])])
        #expect(try Document(parsing: tree.yaml).root == tree)
        #expect(try Document(parsing: tree.json).root == tree)
    }
}
