import COpenSSL
import TLS
import Testing

@Suite struct `Certificate authority` {
    private static let day: Int64 = 86_400
    private static let now = Int64(time(nil))
    private static let uri = "spiffe://mesh.example/ns/default/sa/reviews"

    private let root: Authority
    private let middle: Authority

    init() throws {
        root = try Authority.root(
            named: "root 1", trustDomain: "mesh.example",
            validity: Self.now - 60...Self.now + 3650 * Self.day)
        middle = try root.intermediate(
            named: "intermediate 1", trustDomain: "mesh.example",
            validity: Self.now - 60...Self.now + 365 * Self.day)
    }

    private func issue(
        _ names: WorkloadNames = WorkloadNames(uri: uri), lifetime: Int64 = day
    ) throws -> (IssuedCertificate, Applicant) {
        let applicant = Applicant(.ec(NID_X9_62_prime256v1))
        let request = try SigningRequest(pem: applicant.request())
        let validity = Self.now - 60...Self.now + lifetime
        return (try middle.issue(names, for: request, validity: validity), applicant)
    }

    @Test func `issues what both sides of a handshake take`() throws {
        let (leaf, _) = try issue()
        let chain = leaf.certificate + middle.certificate
        try CertificateChain.verify(chain, against: root.certificate, at: Self.now)
        #expect(throws: TLSError.certificateExpired) {
            try CertificateChain.verify(
                chain, against: root.certificate, at: leaf.validity.upperBound + 1)
        }
        #expect(throws: TLSError.certificateNotYetValid) {
            try CertificateChain.verify(
                chain, against: root.certificate, at: leaf.validity.lowerBound - 1)
        }
        let other = try Authority.root(
            named: "root 1", trustDomain: "mesh.example",
            validity: Self.now - 60...Self.now + Self.day)
        #expect(throws: TLSError.self) {
            try CertificateChain.verify(chain, against: other.certificate, at: Self.now)
        }
    }

    @Test func `shakes hands with what it has issued`() throws {
        let (leaf, applicant) = try issue()
        let credential = Credential(
            certificateChain: leaf.certificate + middle.certificate,
            privateKey: applicant.privateKey)
        var settings = Settings()
        settings.credentials = [credential]
        settings.trustedAuthorities = root.certificate
        settings.expectedNames = [.exactly(.uri, Self.uri)]
        let pair = try Pair(
            try Context(settings, role: .client),
            try Context(settings, role: .server(clientCertificate: .required)))
        try pair.run()
        #expect(pair.serverSide.peer?.spiffeID == Self.uri)
        #expect(pair.clientSide.peer?.spiffeID == Self.uri)
    }

    @Test func `gives a workload one name and two uses, and no authority`() throws {
        let eye = try Eye(try issue().0.certificate)
        #expect(eye.text.contains("URI:\(Self.uri)\n"))
        #expect(!eye.text.contains("DNS:") && !eye.text.contains("Subject: CN"))
        #expect(
            eye.extensions
                == [
                    "Basic Constraints critical", "Key Usage critical", "Extended Key Usage",
                    "Subject Key Identifier", "Authority Key Identifier",
                    "Subject Alternative Name critical",
                ].map { "X509v3 \($0)" })
        #expect(eye.text.contains("CA:FALSE"))
        #expect(eye.text.contains("Digital Signature\n"))
        #expect(
            eye.text.contains("TLS Web Server Authentication, TLS Web Client Authentication\n"))
        #expect(eye.authorityKey == (try Eye(middle.certificate)).ownKey)
        #expect(eye.text.contains("Version: 3"))
    }

    @Test func `names the control plane as clients look for it, too`() throws {
        let names = WorkloadNames(
            uri: Self.uri, dnsNames: ["pointsman-control"], ipAddresses: ["127.0.0.1", "::1"])
        let eye = try Eye(try issue(names).0.certificate)
        #expect(
            eye.text.contains(
                "URI:\(Self.uri), DNS:pointsman-control, IP Address:127.0.0.1, "
                    + "IP Address:0:0:0:0:0:0:0:1\n"))
    }

    @Test func `bounds what stands below it`() throws {
        let first = try Eye(root.certificate)
        #expect(first.text.contains("CA:TRUE, pathlen:1") && first.authorityKey == nil)
        let second = try Eye(middle.certificate)
        #expect(second.text.contains("CA:TRUE, pathlen:0"))
        for eye in [first, second] {
            #expect(eye.text.contains("Certificate Sign, CRL Sign\n"))
        }
        #expect(second.authorityKey == first.ownKey && second.ownKey != first.ownKey)
    }

    @Test func `never outlives what vouches for it`() throws {
        let (leaf, _) = try issue(lifetime: 10_000 * Self.day)
        #expect(leaf.validity.upperBound == middle.validity.upperBound)
        #expect(try Eye(leaf.certificate).end == middle.validity.upperBound)
        let longer = try root.intermediate(
            named: "2", trustDomain: "mesh.example",
            validity: Self.now...Self.now + 10_000 * Self.day)
        #expect(longer.validity.upperBound == root.validity.upperBound)
        let end = middle.validity.upperBound
        #expect(throws: TLSError.certificateExpired) {
            _ = try middle.issue(
                WorkloadNames(uri: Self.uri), for: PrivateKey.generated(),
                validity: end...end + 10)
        }
    }

    @Test func `gives each certificate a number of 128 bits`() throws {
        let serials = try (0..<50).map { _ in try issue().0.serial }
        #expect(Set(serials).count == 50)
        for serial in serials { #expect(serial.utf8.count == 32 && serial.first != "0") }
    }

    @Test func `is taken up again with its own key alone`() throws {
        let same = try Authority(
            certificate: middle.certificate,
            key: try #require(PrivateKey(pem: middle.key.pem)))
        #expect(same.validity == middle.validity)
        #expect(throws: TLSError.settings(.keyMismatch)) {
            _ = try Authority(certificate: middle.certificate, key: root.key)
        }
        #expect(root.hasSigned(middle) && root.hasSigned(root))
        #expect(!middle.hasSigned(root) && !middle.hasSigned(middle))
        let (leaf, applicant) = try issue()
        let key = try #require(PrivateKey(pem: applicant.privateKey))
        #expect(throws: TLSError.settings(.certificateChain)) {
            _ = try Authority(certificate: leaf.certificate, key: key)
        }
    }
}

/// A certificate as OpenSSL prints it, and its fields.
private struct Eye {
    var text = ""
    var extensions: [String] = []
    var ownKey: [UInt8]?
    var authorityKey: [UInt8]?
    var end: Int64 = 0

    init(_ certificate: [UInt8]) throws {
        let memory = unsafe BIO_new_mem_buf(certificate, CInt(certificate.count))
        defer { unsafe BIO_free(memory) }
        let read = unsafe PEM_read_bio_X509(memory, nil, nil, nil)
        let library = try unsafe #require(unsafe read)
        defer { unsafe X509_free(library) }
        let printed = unsafe pem { unsafe X509_print($0, library) }
        let lines = String(decoding: printed, as: UTF8.self).split(separator: "\n")
        text = lines.map(Self.trimmed).joined(separator: "\n") + "\n"
        extensions = lines.filter { $0.contains("X509v3") && !$0.contains("extensions") }
            .map { Self.trimmed($0).filter { $0 != ":" } }
        ownKey = unsafe Self.bytes(X509_get0_subject_key_id(library))
        authorityKey = unsafe Self.bytes(X509_get0_authority_key_id(library))
        end = unsafe pointsman_end_of_validity(library)
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line.drop { $0 == " " }
        while line.last == " " { line.removeLast() }
        return String(line)
    }

    private static func bytes(_ string: UnsafePointer<ASN1_OCTET_STRING>?) -> [UInt8]? {
        guard let string = unsafe string else { return nil }
        return unsafe Array(
            UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
    }
}
