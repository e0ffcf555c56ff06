import Bytes
import Testing

@Suite struct `A search by words of eight bytes` {
    @Test func `finds what a search by single bytes finds`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for _ in 0..<4000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                [
                    UInt8.random(in: 0...255, using: &random), 0x7F, 0x1F, 0x20, 0x80, 0xFF, 0x7E,
                    0x41, 0x2D, 0x3A, 0x7A, 0x61, 0x5B, 0x60, 0x40, 0x7B,
                ]
                .randomElement(using: &random) ?? 0
            }
            for start in 0...bytes.count {
                let control = bytes[start...].firstIndex { $0 < 0x20 || $0 == 0x7F } ?? bytes.count
                #expect(bytes.span.firstControlIndex(from: start) == control, "seed \(seed)")
                let end = bytes[start...].firstIndex { !ByteSet.token.contains($0) } ?? bytes.count
                #expect(bytes.span.tokenEnd(from: start) == end, "seed \(seed)")
                for byte: UInt8 in [0x41, 0x1F, 0x80, 0xFF] {
                    #expect(
                        bytes.span.firstIndex(of: byte, from: start)
                            == bytes[start...].firstIndex(of: byte), "seed \(seed)")
                }
            }
        }
    }
}

@Suite struct `A set of bytes` {
    private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    private static let subDelimiters = "!$&'()*+,;="

    @Test(arguments: [
        (ByteSet.token, letters + "!#$%&'*+-.^_`|~"),
        (.pathAndQuery, letters + "-._~:@/?" + subDelimiters),
        (.registeredName, letters + "-._~" + subDelimiters.filter { $0 != "," }),
        (.hexadecimal, "0123456789abcdefABCDEF"),
    ])
    func `holds what its grammar lists and nothing else`(set: ByteSet, members: String) {
        for byte in UInt8.min...UInt8.max {
            #expect(set.contains(byte) == members.utf8.contains(byte), "\(byte)")
        }
        let bytes = Array((members + "\u{7F}" + members).utf8)
        #expect(bytes.span.prefixCount(in: set) == members.utf8.count)
        #expect(Array(members.utf8).span.prefixCount(in: set) == members.utf8.count)
    }
}

@Suite struct `Bytes as text` {
    @Test func `compare with or without regard to case`() {
        let text = Array("HOST-1[".utf8)
        let answers = [
            text.span.equalsIgnoringCase("host-1["), text.span.equalsIgnoringCase("host-1{"),
            text.span.equalsIgnoringCase("host-1"), text.span.equals("HOST-1["),
            text.span.equals("host-1["),
            text.span.equalsIgnoringCase(Array("Host-1[".utf8).span),
            text.span.starts(with: Array("HO".utf8).span),
            Array("H".utf8).span.starts(with: text.span),
        ]
        #expect(answers == [true, false, false, true, false, true, true, false])
        #expect(text.span.firstIndex(of: UInt8(ascii: "S")) == 2)
        #expect(text.span.firstIndex(of: UInt8(ascii: "s")) == nil)
    }
}
