import Testing
import YAML

@Suite struct `A JSON text` {
    private static let longKey = String(repeating: "k", count: 3000)
    private static let cases: [(String, String)] = [
        ("{\n\t\"a\": [\n\t\t1,\n\t\ttrue\n\t]\n}", #"{"a":[1,true]}"#),
        (#"{"a":"\ud83d\ude00\/\b\f\n\r\t\u00e9"}"#, "{\"a\":\"😀/\\u0008\\u000c\\n\\r\\té\"}"),
        (#"{"a":1e3,"b":-0.5,"c":{}}"#, #"{"a":1000.0,"b":-0.5,"c":{}}"#),
        (##"{"a":"# x: y","b":"- z","c":null}"##, ##"{"a":"# x: y","b":"- z","c":null}"##),
        ("[]", "[]"), (" {} \n", "{}"), ("{\"a\":\"x\"\r\n}", #"{"a":"x"}"#),
        ("{\"" + longKey + "\":1}", "{\"" + longKey + "\":1}"),
    ]

    @Test(arguments: cases)
    func `is read as the same values`(text: String, json: String) throws {
        #expect(try Document(parsing: text).root.json == json)
    }

    @Test(arguments: [
        (
            "{\"a\": 1,\n \"a\": 2}",
            DocumentError.duplicateKey("a", at: Position(line: 2, column: 2))
        ),
        (
            String(repeating: "[", count: 101) + String(repeating: "]", count: 101),
            .nestedTooDeep(limit: 100, at: Position(line: 1, column: 101))
        ),
        (
            "{\"a\": 1",
            .syntax(
                problem: "did not find expected ',' or '}'", at: Position(line: 2, column: 1))
        ),
    ])
    func `is refused with the place of the mistake`(text: String, error: DocumentError) {
        #expect(throws: error) { try Document(parsing: text) }
    }

    @Test func `knows its lines and columns`() throws {
        let root = try Document(parsing: "{\"ü\": 1,\n  \"b\": [2]}").root
        let entry = try #require(root.entries?.last)
        #expect(entry.keyPosition == Position(line: 2, column: 3))
        #expect(entry.value.elements?.first?.position == Position(line: 2, column: 9))
        #expect(root.entries?.first?.value.position == Position(line: 1, column: 7))
    }
}
