import Bytes
import Testing

@Suite struct `A comparison by words of eight bytes` {
    @Test func `says what a comparison by single bytes says`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for _ in 0..<4000 {
            let one = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                [0x40, 0x41, 0x5A, 0x5B, 0x60, 0x61, 0x7A, 0x7B, 0xC1, 0xE1, 0].randomElement(
                    using: &random) ?? UInt8(0)
            }
            var other = one.map { byte in
                Bool.random(using: &random) ? byte : byte.asciiLowercased
            }
            if Bool.random(using: &random), let index = other.indices.randomElement(using: &random)
            {
                other[index] ^= [0x20, 0x80, 0x01].randomElement(using: &random) ?? UInt8(1)
            }
            let isEqual = one.span.equals(other.span)
            #expect(isEqual == (one == other), "seed \(seed)")
            let isAlike = one.span.equalsIgnoringCase(other.span)
            let expected = one.map(\.asciiLowercased) == other.map(\.asciiLowercased)
            #expect(isAlike == expected, "seed \(seed)")
            let found = one.span.firstIndex(of: 0x5A, or: 0xE1)
            #expect(found == one.firstIndex { $0 == 0x5A || $0 == 0xE1 }, "seed \(seed)")
        }
    }

    @Test func `reads up to eight bytes wherever they stand`() {
        let bytes = (1...20).map { UInt8($0) }
        for start in 0...bytes.count {
            for count in 0...min(8, bytes.count - start) {
                var expected: UInt64 = 0
                for (offset, byte) in bytes[start..<start + count].enumerated() {
                    expected |= UInt64(byte) << (8 * offset)
                }
                let word = bytes.span.word(at: start, count: count)
                #expect(word == expected)
                let short = bytes[start..<start + count].span.word(at: 0, count: count)
                #expect(short == expected)
            }
        }
    }
}
