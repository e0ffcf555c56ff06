import TLS
import Testing

@Suite struct `Sealing key` {
    private let secret = [UInt8](repeating: 7, count: 32)
    private let salt = [UInt8](repeating: 9, count: 16)
    private let plain = Array("a private key".utf8)

    @Test func `opens what it has sealed, and seals nothing twice in the same way`() throws {
        let key = try SealingKey(secret: secret, salt: salt, purpose: "keys")
        let sealed = try key.seal(plain, label: "root 1")
        #expect(key.open(sealed, label: "root 1") == plain)
        #expect(try key.seal(plain, label: "root 1") != sealed)
        #expect(sealed.count == plain.count + 28)
        #expect(key.open(try key.seal([], label: ""), label: "") == [])
    }

    @Test func `opens nothing under another label, and nothing that another key has sealed`()
        throws
    {
        let key = try SealingKey(secret: secret, salt: salt, purpose: "keys")
        let sealed = try key.seal(plain, label: "root 1")
        #expect(key.open(sealed, label: "root 2") == nil)
        for other in [
            try SealingKey(secret: secret + [1], salt: salt, purpose: "keys"),
            try SealingKey(secret: secret, salt: salt + [1], purpose: "keys"),
            try SealingKey(secret: secret, salt: salt, purpose: "tokens"),
        ] { #expect(other.open(sealed, label: "root 1") == nil) }
    }

    @Test func `opens nothing that was changed or cut`() throws {
        let key = try SealingKey(secret: secret, salt: salt, purpose: "keys")
        let sealed = try key.seal(plain, label: "root 1")
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(key.open(changed, label: "root 1") == nil)
            #expect(key.open(Array(sealed.prefix(index)), label: "root 1") == nil)
        }
    }

    @Test func `has random bytes and digests beside it`() throws {
        #expect(try SecureBytes.random(byteCount: 32) != SecureBytes.random(byteCount: 32))
        // FIPS 180-2, appendix B.1
        #expect(
            try SecureBytes.digest(of: Array("abc".utf8)).prefix(4) == [0xBA, 0x78, 0x16, 0xBF])
        #expect(SecureBytes.areEqual([1, 2], [1, 2]) && SecureBytes.areEqual([], []))
        #expect(!SecureBytes.areEqual([1, 2], [1, 3]) && !SecureBytes.areEqual([1], [1, 2]))
    }
}
