import Bytes
import Testing

@Suite struct `A buffer` {
    @Test func `holds no memory before something is appended`() {
        var buffer = Buffer()
        #expect(buffer.capacity == 0)
        let empty: [UInt8] = []
        buffer.append(empty.span)
        #expect(buffer.capacity == 0)
        buffer.release()
        #expect(buffer.capacity == 0)
    }

    @Test func `gives back what was appended`() {
        var buffer = Buffer()
        buffer.append(0x61)
        buffer.append("bc")
        buffer.append(string: "\u{E9}")
        buffer.append(decimal: 0)
        buffer.append(decimal: UInt64.max)
        buffer.append(hexadecimal: UInt64.max)
        buffer.append(hexadecimal: 0x1a)
        #expect(String(buffer.bytes) == "abc\u{E9}018446744073709551615ffffffffffffffff1a")
    }

    @Test func `is cut at both ends`() {
        var buffer = Buffer()
        buffer.append("0123456789")
        buffer.consume(3)
        buffer.truncate(to: 4)
        #expect(String(buffer.bytes) == "3456")
        buffer.append("!")
        #expect(String(buffer.bytes) == "3456!")
        buffer.truncate(to: 0)
        #expect(buffer.count == 0)
    }

    @Test func `is filled in place`() {
        var buffer = Buffer()
        buffer.append("ab")
        buffer.consume(1)
        var room = buffer.room(minimum: 300)
        #expect(room.count >= 300)
        room[0] = 0x63
        buffer.commit(1)
        #expect(String(buffer.bytes) == "bc")
    }

    @Test func `lends zeros behind its bytes`() {
        var buffer = Buffer()
        buffer.pad()
        #expect(buffer.count == 0)
        for count in [1, 223, 224, 225, 300] {
            buffer.removeAll()
            for _ in 0..<count { buffer.append(0xFF) }
            buffer.consume(1)
            buffer.pad()
            let zeros = [UInt8](repeating: 0, count: Buffer.paddingCount)
            let isPadded = buffer.padded.extracting((count - 1)...).equals(zeros.span)
            #expect(isPadded)
            #expect(buffer.count == count - 1)
        }
    }

    @Test func `behaves as an array does, whatever is done to it`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        var buffer = Buffer()
        var model: [UInt8] = []
        for _ in 0..<5000 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2:
                let bytes = (0..<Int.random(in: 0...200, using: &random)).map { UInt8($0) }
                buffer.append(bytes.span)
                model += bytes
            case 3...4:
                let count = Int.random(in: 0...model.count, using: &random)
                buffer.consume(count)
                model.removeFirst(count)
            case 5:
                let count = Int.random(in: 0...model.count, using: &random)
                buffer.truncate(to: count)
                model.removeLast(model.count - count)
            case 6:
                buffer.append(7)
                model.append(7)
            default:
                if Int.random(in: 0..<20, using: &random) == 0 {
                    buffer.release()
                    model = []
                }
            }
            #expect(buffer.count == model.count)
            let isSame = buffer.bytes.equals(model.span)
            #expect(isSame, "seed \(seed)")
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
