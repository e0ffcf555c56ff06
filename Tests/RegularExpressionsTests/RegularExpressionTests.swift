import RegularExpressions
import Testing

@Suite struct `A regular expression` {
    @Test(arguments: [
        ("/v[0-9]+/.*", "/v1/items", true), ("/v[0-9]+", "/v1/items", false),
        ("/v[0-9]+", "/a/v1", false), ("a|ab", "ab", true), ("", "", true), ("", "x", false),
        ("(?i)/ABC", "/abc", true), ("/abc", "/ABC", false), ("\\d{3}", "123", true),
        ("é", "é", true), (".", "é", true),
    ])
    func `matches a whole text`(pattern: String, text: String, expected: Bool) throws {
        #expect(try matches(pattern, Array(text.utf8)) == expected)
    }

    @Test(arguments: ["(", "[a", "a**", "(?=a)", "\\1", "a{2001}", "((((a{100}){100}){100}){100})"])
    func `refuses what cannot run in linear time and bounded memory`(pattern: String) {
        #expect(throws: RegularExpressionError.self) { try RegularExpression(pattern) }
    }

    @Test func `tells the author of a pattern what is wrong`() {
        #expect(throws: RegularExpressionError.patternRefused(reason: "missing ): (ab")) {
            try RegularExpression("(ab")
        }
        let limit = RegularExpression.patternLimit
        #expect(throws: RegularExpressionError.patternTooLong(limit: limit)) {
            try RegularExpression(String(repeating: "a", count: limit + 1))
        }
    }

    @Test func `is equal to one of the same pattern`() throws {
        #expect(try RegularExpression("a+") == RegularExpression("a+"))
        #expect(try RegularExpression("a+") != RegularExpression("a*"))
    }

    @Test func `does not backtrack`() throws {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 50_000)
        #expect(try !matches("(a*)*(a*)*(a*)*b", text))
    }

    @Test func `takes any bytes`() throws {
        #expect(try !matches("a.b", [0x61, 0xFF, 0x62]))
        #expect(try matches("a\\x00b", [0x61, 0, 0x62]))
    }

    private func matches(_ pattern: String, _ text: [UInt8]) throws -> Bool {
        try RegularExpression(pattern).matches(text.span)
    }
}
