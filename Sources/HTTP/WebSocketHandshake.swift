import Bytes

/// What the two sides of a WebSocket over HTTP/1.1 show each other, so that nobody opens one by
/// accident (RFC 6455 §4); over HTTP/2 nothing of it is sent (RFC 8441 §5).
public enum WebSocketHandshake {
    /// Bytes of a key: sixteen at random, in Base64.
    private static var keyByteCount: Int { 24 }
    private static var suffix: StaticString { "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" }

    /// Whether `name` in `Upgrade` or `:protocol` is that of WebSocket.
    public static func isNamed(_ name: Span<UInt8>) -> Bool {
        name.equalsIgnoringCase("websocket")
    }

    /// Whether a client may have sent `value` as `Sec-WebSocket-Key`.
    public static func isKey(_ value: Span<UInt8>) -> Bool {
        value.count == keyByteCount
    }

    /// Makes a value for `Sec-WebSocket-Key`.
    ///
    /// - Parameter bits: Random bits, so that no two requests have the same.
    /// - Returns: The value, which ``isKey(_:)``.
    public static func key(_ bits: (UInt64, UInt64)) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [bits.0, bits.1] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return base64(bytes)
    }

    /// What a server answers to `key` in `Sec-WebSocket-Accept` (RFC 6455 §4.2.2).
    public static func answer(to key: Span<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        for index in key.indices { text.append(key[index]) }
        var buffer = Buffer()
        buffer.append(suffix)
        let rest = buffer.bytes
        for index in rest.indices { text.append(rest[index]) }
        return base64(SHA1(of: text).bytes)
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for byte in part { bits = bits << 8 | UInt32(byte) }
            bits <<= UInt32(3 - part.count) * 8
            for position in 0..<4 {
                let letter = letters[Int(bits >> UInt32(18 - 6 * position)) & 63]
                text.append(position <= part.count ? letter : UInt8(ascii: "="))
            }
        }
        return text
    }
}

/// The hash that RFC 6455 §4.2.2 asks for; it keeps nothing secret.
private struct SHA1 {
    private var state: [UInt32] = [
        0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
    ]

    init(of message: [UInt8]) {
        var padded = message + [0x80]
        padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
        let bitCount = UInt64(message.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bitCount >> shift))
        }
        for start in stride(from: 0, to: padded.count, by: 64) {
            add(padded[start..<start + 64])
        }
    }

    var bytes: [UInt8] {
        state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    private mutating func add(_ block: ArraySlice<UInt8>) {
        var words: [UInt32] = []
        for start in stride(from: block.startIndex, to: block.endIndex, by: 4) {
            words.append(block[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
        for index in 16..<80 {
            let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
            words.append(rotated(mixed, 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for (index, word) in words.enumerated() {
            let (choice, constant): (UInt32, UInt32) =
                switch index / 20 {
                case 0: (b & c | ~b & d, 0x5A82_7999)
                case 1: (b ^ c ^ d, 0x6ED9_EBA1)
                case 2: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = rotated(a, 5) &+ choice &+ e &+ constant &+ word
            (a, b, c, d, e) = (next, a, rotated(b, 30), c, d)
        }
        for (index, word) in [a, b, c, d, e].enumerated() { state[index] &+= word }
    }

    private func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word << count | word >> (32 - count)
    }
}
