import COpenSSL
import TLS
import Testing

@Suite struct `Signing request` {
    static let good: [(String, Applicant.Kind)] = [
        ("P-256", .ec(NID_X9_62_prime256v1)), ("P-384", .ec(NID_secp384r1)),
        ("RSA 2048", .rsa(bits: 2048)),
    ]

    @Test(arguments: good.indices) func `is taken with a key of today`(index: Int) throws {
        _ = try SigningRequest(pem: Applicant(Self.good[index].1).request())
    }

    @Test func `is refused with a key of yesterday, or of nobody's`() {
        let bad: [(Applicant.Kind, SigningRequest.Fault)] = [
            (.rsa(bits: 1024), .keySize), (.rsa(bits: 5120), .keySize),
            (.ec(NID_secp521r1), .keyKind), (.ec(NID_secp256k1), .keyKind), (.ed25519, .keyKind),
        ]
        for (kind, fault) in bad {
            #expect(throws: fault) { try SigningRequest(pem: Applicant(kind).request()) }
        }
    }

    @Test func `is refused when its sender does not have the key`() {
        let owner = Applicant(.ec(NID_X9_62_prime256v1))
        let thief = Applicant(.ec(NID_X9_62_prime256v1))
        #expect(throws: SigningRequest.Fault.signature) {
            try SigningRequest(pem: owner.request(signer: thief))
        }
    }

    @Test func `is refused with any bit of it changed, and without its end`() throws {
        let whole = Applicant(.ec(NID_X9_62_prime256v1)).request()
        let body = whole.split(separator: 10).dropFirst().dropLast().joined()
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for index in stride(from: 0, to: body.count, by: 5) {
            var changed = Array(body)
            guard let value = digits.firstIndex(of: changed[index]) else { continue }
            changed[index] = digits[value ^ 32]
            #expect(throws: SigningRequest.Fault.self, "character \(index)") {
                try SigningRequest(pem: Self.text(of: changed))
            }
        }
        for count in stride(from: 0, to: whole.count - 1, by: 7) {
            #expect(throws: SigningRequest.Fault.unreadable, "\(count) bytes") {
                try SigningRequest(pem: Array(whole.prefix(count)))
            }
        }
    }

    @Test func `is refused when it is none, or too large`() {
        let texts: [[UInt8]] = [
            [], Array("no request".utf8), [UInt8](repeating: 0xFF, count: 1000),
            Mint("root").authorities, Self.text(of: Array("AAAA".utf8)),
        ]
        for text in texts {
            #expect(throws: SigningRequest.Fault.unreadable) { try SigningRequest(pem: text) }
        }
        let huge = [UInt8](repeating: 65, count: SigningRequest.byteLimit + 1)
        #expect(throws: SigningRequest.Fault.tooLarge) { try SigningRequest(pem: huge) }
    }

    private static func text(of body: [UInt8]) -> [UInt8] {
        Array("-----BEGIN CERTIFICATE REQUEST-----\n".utf8) + body
            + Array("\n-----END CERTIFICATE REQUEST-----\n".utf8)
    }
}
