import Bytes
import Testing

@Suite struct `A regular field line` {
    @Test(arguments: [
        ("a: b\r\n", "a", "b", true), ("a:b\r\n", "a", "b", false), ("a:\r\n", "a", "", false),
        ("a: \r\n", "a", "", true), ("a:   \r\n", "a", "", false),
        ("a:  b  \r\n", "a", "b", false), ("x-b3_id: b c\r\n", "x-b3_id", "b c", true),
        ("Upgrade-Insecure-Requests: 1\r\n", "Upgrade-Insecure-Requests", "1", true),
        (
            "Access-Control-Request-Headers: \u{E9}\r\n", "Access-Control-Request-Headers",
            "\u{E9}", true
        ),
        (
            "A-Name-That-Is-Longer-Than-Two-Vectors-Are: v\r\n",
            "A-Name-That-Is-Longer-Than-Two-Vectors-Are", "v", true
        ),
        ("a: 0123456789abcdef\r\n", "a", "0123456789abcdef", true),
        (
            "a: 0123456789abcdef0123456789abcdef0\r\n", "a",
            "0123456789abcdef0123456789abcdef0", true
        ),
    ])
    func `is taken apart in one pass`(
        text: String, name: String, value: String, isCanonical: Bool
    ) throws {
        // What stands before and behind the line does not matter.
        for (before, behind) in [("", ""), ("x\r\n", ""), ("", "\r\n"), ("", "b: c\r\n\r\n")] {
            let start = before.utf8.count
            var buffer = Buffer()
            buffer.append(string: before + text + behind)
            buffer.pad()
            let line = RegularFieldLine(buffer.padded, from: start, notPast: buffer.count)
            let found = try #require(line)
            let bytes = buffer.bytes
            #expect(String(bytes.extracting(start..<found.nameEnd)) == name)
            #expect(String(bytes.extracting(found.valueStart..<found.valueEnd)) == value)
            #expect(found.end == start + text.utf8.count)
            #expect(found.firstByte == name.utf8.first)
            #expect(found.isCanonical == isCanonical)
            let isTooLong =
                RegularFieldLine(buffer.padded, from: start, notPast: found.end - 1) == nil
            #expect(isTooLong)
        }
    }

    @Test(arguments: [
        "", "a", "a:", "a: ", "a: b", "a: b\r", "a: b\n", "a: b\rc\r\n", "a: b\tc\r\n", "a:\tb\r\n",
        "a : b\r\n", " a: b\r\n", ": b\r\n", "\r\n", "a\r\n", "a: \u{7F}\r\n", "a\u{E9}: b\r\n",
        "a: b\u{0}\r\n", "Upgrade-Insecure-Requests", "Access-Control-Request-Header",
        "Upgrade-Insecure", "a: 0123456789abcdef\r", "a: 0123456789abcde\r",
    ])
    func `is nothing else`(text: String) {
        var buffer = Buffer()
        buffer.append(string: text)
        buffer.pad()
        let isNone = RegularFieldLine(buffer.padded, from: 0, notPast: buffer.count) == nil
        #expect(isNone)
    }
}
