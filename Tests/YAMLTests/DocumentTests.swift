import Testing
import YAML

@Suite struct `A document` {
    @Test(arguments: [
        ("", "null"), ("# nothing\n", "null"), ("---\na", #""a""#),
        (
            "a: 1\nb: [x, '1', null]",
            #"{"a":1,"b":["x","1",null]}"#
        ),
        ("{\"a\": {\"b\": [1.5, true]}}", #"{"a":{"b":[1.5,true]}}"#),
        ("a: &x {p: 1}\nb: *x", #"{"a":{"p":1},"b":{"p":1}}"#),
        ("a: !!str 1\nb: ! 2", #"{"a":"1","b":"2"}"#),
        ("1: x\ntrue: y", #"{"1":"x","true":"y"}"#),
        ("a: |\n  x\n  \"y\"\n", #"{"a":"x\n\"y\"\n"}"#),
        (
            "a: .inf\nb: -.inf\nc: .nan\nd: 0x10",
            #"{"a":"Infinity","b":"-Infinity","c":"NaN","d":16}"#
        ),
        ("ü: \"\\u00e9\\t\\e\"", #"{"ü":"é\t\u001b"}"#),
    ])
    func `is a tree that has a form in JSON`(text: String, json: String) throws {
        #expect(try Document(parsing: text).root.json == json)
    }

    @Test(arguments: [
        ("a: 1\na: 2", DocumentError.duplicateKey("a", at: Position(line: 2, column: 1))),
        ("a: *x", .unknownAlias("x", at: Position(line: 1, column: 4))),
        ("a: &x [*x]", .unknownAlias("x", at: Position(line: 1, column: 8))),
        ("[a]: 1", .keyNotScalar(at: Position(line: 1, column: 1))),
        ("a\n---\nb", .severalDocuments(at: Position(line: 2, column: 1))),
        (
            "a: !!binary eA==",
            .unsupportedTag("tag:yaml.org,2002:binary", at: Position(line: 1, column: 4))
        ),
    ])
    func `is refused with the place of the mistake`(text: String, error: DocumentError) {
        #expect(throws: error) { try Document(parsing: text) }
    }

    @Test(arguments: ["a: [1, 2", "a: b: c", "\t- x", "a: \"x", "\u{1}", "- a\nb", "}", "%"])
    func `that is not YAML is refused with a line`(text: String) {
        let error = #expect(throws: DocumentError.self) { try Document(parsing: text) }
        #expect(error?.position != nil, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func `refuses bytes that are not UTF-8`() {
        #expect(throws: DocumentError.self) { try Document(parsing: [0x61, 0xFF, 0xFE]) }
    }

    @Test func `names lines and columns`() throws {
        let root = try Document(parsing: "a:\n  - b: 1\n    c: x\n").root
        let entry = try #require(root["a"]?.elements?.first?.entries?.last)
        #expect(entry.keyPosition == Position(line: 3, column: 5))
        #expect(entry.value.position == Position(line: 3, column: 8))
    }

    @Test func `is bounded in length, depth and in what aliases repeat`() {
        var limits = Document.Limits()
        limits.byteCount = 10
        #expect(throws: DocumentError.textTooLong(limitInBytes: 10)) {
            try Document(parsing: "aaaaaaaaaaa", limits: limits)
        }
        let nest = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(
            throws: DocumentError.nestedTooDeep(limit: 100, at: Position(line: 1, column: 101))
        ) { try Document(parsing: nest) }
        var laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1...40 {
            let repeated = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            laughs += "a\(level): &a\(level) [\(repeated)]\n"
        }
        let error = #expect(throws: DocumentError.self) { try Document(parsing: laughs) }
        guard case .tooManyNodes = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let stairs = (1...150).map { "a\($0): &a\($0) [*a\($0 - 1)]\n" }.joined()
        #expect(throws: DocumentError.self) { try Document(parsing: "a0: &a0 x\n" + stairs) }
    }

    @Test func `of any bytes never ends the process`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(state: seed)
        let alphabet = Array("a:-[]{}&*!|>'\"%@`#,? \n\t\\~0.\u{0}ü".utf8) + [0xFF, 0xC3]
        for _ in 0..<3000 {
            let count = Int.random(in: 0...40, using: &random)
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            guard let document = try? Document(parsing: bytes) else { continue }
            let again = try? Document(parsing: document.root.yaml).root
            #expect(again == document.root, "seed \(seed): \(bytes)")
        }
    }
}

/// A small generator whose sequence a printed seed repeats (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
