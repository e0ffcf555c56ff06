import TLS
import Testing

@Suite struct `Private key` {
    @Test func `is read back from what it is written as`() throws {
        let key = try PrivateKey.generated()
        #expect(String(decoding: key.pem, as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        let same = try #require(PrivateKey(pem: key.pem))
        #expect(same.pem == key.pem)
        #expect(try PrivateKey.generated().pem != key.pem)
    }

    @Test(arguments: [
        "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ])
    func `is not made of anything else`(text: String) {
        #expect(PrivateKey(pem: Array(text.utf8)) == nil)
    }
}
