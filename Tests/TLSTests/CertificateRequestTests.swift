import COpenSSL
import TLS
import Testing

@Suite struct `Certificate request` {
    @Test func `carries the public key, a signature of it, and no name`() throws {
        let key = try PrivateKey.generated()
        let request = try CertificateRequest(signedWith: key)
        let read = unsafe try #require(Self.read(request.pem))
        defer { unsafe X509_REQ_free(read) }
        let carried = unsafe X509_REQ_get0_pubkey(read)
        #expect(unsafe X509_REQ_verify(read, carried) == 1)
        #expect(unsafe X509_NAME_entry_count(X509_REQ_get_subject_name(read)) == 0)
        #expect(unsafe X509_REQ_get_attr_count(read) == 0)
        #expect(unsafe EVP_PKEY_get_bits(carried) == 256)
    }

    @Test func `is another one for another key`() throws {
        let first = try CertificateRequest(signedWith: .generated())
        #expect(try CertificateRequest(signedWith: .generated()) != first)
    }

    @unsafe private static func read(_ pem: [UInt8]) -> OpaquePointer? {
        let memory = unsafe BIO_new_mem_buf(pem, CInt(pem.count))
        defer { unsafe BIO_free(memory) }
        return unsafe PEM_read_bio_X509_REQ(memory, nil, nil, nil)
    }
}

@Suite struct `Certificate description` {
    @Test func `says whose each certificate of a chain is, and until when`() throws {
        let root = Mint("root")
        let middle = Mint("middle", below: root)
        let chain = middle.issue("URI:spiffe://mesh/a", dates: -60...7200).certificateChain
        let described = CertificateDescription.all(inPEM: chain)
        #expect(described.map(\.identity.subject) == ["CN=leaf", "CN=middle"])
        #expect(described[0].identity.spiffeID == "spiffe://mesh/a")
        #expect(described[0].endsAt - described[0].startsAt == 7260)
        #expect(described[1].endsAt - described[1].startsAt == 7200)
        #expect(described[0].serialNumber.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    }

    @Test(arguments: ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
    func `is not made of anything else`(text: String) {
        #expect(CertificateDescription.all(inPEM: Array(text.utf8)).isEmpty)
    }
}
