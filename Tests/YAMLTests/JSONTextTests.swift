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
}
