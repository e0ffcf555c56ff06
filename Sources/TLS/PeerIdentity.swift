import COpenSSL

/// Who a verified peer is, as its certificate says.
public struct PeerIdentity: Equatable, Sendable {
    /// The names in the order of the certificate; one with a control character in it is left out.
    public internal(set) var uriNames: [String] = []
    public internal(set) var dnsNames: [String] = []
    public internal(set) var emailNames: [String] = []
    public internal(set) var ipAddresses: [String] = []
    /// Such as `CN=reviews,O=Example` (RFC 2253 §2).
    public internal(set) var subject = ""
    /// SHA-256 of the certificate, 32 bytes.
    public internal(set) var fingerprint: [UInt8] = []
    /// When the certificate ends being good, in seconds since 1970; it was good at the handshake.
    public internal(set) var endsAt: Int64 = 0

    /// Its names of all kinds, URIs first.
    public var names: [String] { uriNames + dnsNames + ipAddresses + emailNames }

    /// The workload's name; `nil` when there is none, or more than one URI, which a SPIFFE
    /// certificate must not have (X509-SVID §2).
    public var spiffeID: String? {
        guard uriNames.count == 1, let name = uriNames.first, isWorkload(name) else { return nil }
        return name
    }

    private func isWorkload(_ name: String) -> Bool {
        name.hasPrefix("spiffe://")
    }

    /// Whether a name is claimed that only a certificate with a single URI may have.
    private var isAmbiguous: Bool {
        uriNames.count > 1 && uriNames.contains(where: isWorkload)
    }

    /// Whether one of the names is expected.
    func fulfils(_ expected: [NameMatcher]) -> Bool {
        if isAmbiguous { return false }
        if expected.isEmpty { return true }
        return expected.contains { matcher in
            names(of: matcher.kind).contains(where: matcher.accepts)
        }
    }

    private func names(of kind: NameMatcher.Kind) -> [String] {
        switch kind {
        case .email: emailNames
        case .dns: dnsNames
        case .uri: uriNames
        case .ipAddress: ipAddresses
        }
    }
}

extension PeerIdentity {
    /// Reads a certificate, which is only borrowed.
    @unsafe init(_ certificate: OpaquePointer) {
        unsafe readNames(of: certificate)
        unsafe readSubject(of: certificate)
        unsafe endsAt = pointsman_end_of_validity(certificate)
        fingerprint = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let isDone = unsafe X509_digest(certificate, EVP_sha256(), &fingerprint, &count)
        fingerprint.removeLast(fingerprint.count - (isDone == 1 ? Int(count) : 0))
    }

    @unsafe private mutating func readNames(of certificate: OpaquePointer) {
        let extensionData = unsafe X509_get_ext_d2i(
            certificate, NID_subject_alt_name, nil, nil)
        guard let names = unsafe extensionData.map(OpaquePointer.init) else { return }
        defer { unsafe GENERAL_NAMES_free(names) }
        for index in 0..<(unsafe pointsman_general_name_count(names)) {
            var start: UnsafePointer<UInt8>?
            var count = 0
            let type = unsafe pointsman_general_name(names, index, &start, &count)
            let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
            add(bytes, type)
        }
    }

    private mutating func add(_ bytes: [UInt8], _ type: CInt) {
        if type == GEN_IPADD {
            if let text = addressText(of: bytes) { ipAddresses.append(text) }
            return
        }
        // Names are IA5String; a zero byte in one is made to look like the end of another name, and
        // the end of a line like that of the field where the name is told.
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        switch type {
        case GEN_URI: uriNames.append(text)
        case GEN_DNS: dnsNames.append(text)
        case GEN_EMAIL: emailNames.append(text)
        default: return
        }
    }

    private func addressText(of bytes: [UInt8]) -> String? {
        switch bytes.count {
        case 4: bytes.map { String($0) }.joined(separator: ".")
        case 16: IPv6Text(bytes).text
        default: nil
        }
    }

    @unsafe private mutating func readSubject(of certificate: OpaquePointer) {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { return }
        defer { unsafe BIO_free(memory) }
        unsafe pointsman_print_name(memory, X509_get_subject_name(certificate))
        var start: UnsafePointer<UInt8>?
        let count = unsafe pointsman_memory(memory, &start)
        subject = unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

/// An IPv6 address in its canonical form (RFC 5952 §4).
private struct IPv6Text {
    let groups: [UInt16]

    init(_ bytes: [UInt8]) {
        groups = stride(from: 0, to: 16, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
    }

    var text: String {
        let gap = longestGap
        let texts = groups.map { String($0, radix: 16) }
        guard let gap else { return texts.joined(separator: ":") }
        return texts[..<gap.lowerBound].joined(separator: ":") + "::"
            + texts[gap.upperBound...].joined(separator: ":")
    }

    /// The first of the longest runs of two zero groups or more.
    private var longestGap: Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start >= 2, index - start > (longest?.count ?? 0) { longest = start..<index }
            start = index + 1
        }
        return longest
    }
}
