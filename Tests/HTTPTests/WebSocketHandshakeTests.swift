import HTTP
import Testing

@Suite struct `The handshake of a WebSocket` {
    @Test(arguments: [
        // RFC 6455 §1.3
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        // The bytes from 1 to 16.
        ("AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
        // The ends of one block of the hash and of two.
        ("", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
        (String(repeating: "a", count: 83), "JM5KfcY+04u0quK7uTyka1S7/6k="),
    ])
    func `answers a key`(key: String, answer: String) {
        let made = WebSocketHandshake.answer(to: Array(key.utf8).span)
        #expect(String(decoding: made, as: UTF8.self) == answer)
    }

    @Test func `makes keys that it takes itself`() {
        let key = WebSocketHandshake.key((0x0102_0304_0506_0708, 0x090A_0B0C_0D0E_0F10))
        #expect(String(decoding: key, as: UTF8.self) == "AQIDBAUGBwgJCgsMDQ4PEA==")
        let isKey = WebSocketHandshake.isKey(key.span)
        #expect(isKey)
        let isShortOneKey = WebSocketHandshake.isKey("short".utf8.span)
        #expect(!isShortOneKey)
    }
}
