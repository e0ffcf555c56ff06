import Mesh
import TLS
import Transport

/// What upstreams are told of one connection's client, put together once.
final class ClientCertificate {
    /// Most bytes of what a request says in `x-forwarded-client-cert`.
    static let byteLimit = 32 * 1024

    private let security: SecureChannel?
    private lazy var peer = security?.peer
    private var written: (details: CertificateForwarding.Details, text: [UInt8])?

    /// - Parameter security: Of the connection; `nil` where bytes go as they are.
    init(_ security: SecureChannel?) {
        self.security = security
    }

    /// Whether the client came over TLS.
    var isSecure: Bool { security != nil }

    /// Whether the client has shown a certificate, and it was good.
    var isThere: Bool { peer != nil }

    /// What is known of it, in Envoy's words and order.
    func text(_ details: CertificateForwarding.Details) -> [UInt8] {
        if let written, written.details == details { return written.text }
        let text = write(details)
        written = (details, text)
        return text
    }

    private func write(_ details: CertificateForwarding.Details) -> [UInt8] {
        guard let security, let peer else { return [] }
        var text = ElementText()
        for name in security.own?.uriNames ?? [] { text.add("By", name.utf8) }
        if !peer.fingerprint.isEmpty { text.add("Hash", peer.fingerprint.hexadecimal) }
        if !details.isDisjoint(with: [.certificate, .chain]) {
            let chain = security.peerChain
            if details.contains(.certificate), let own = chain.first {
                text.add(quoted: "Cert", own.urlEncoded)
            }
            if details.contains(.chain) { text.add(quoted: "Chain", chain.flatMap(\.urlEncoded)) }
        }
        if details.contains(.subject) { text.add(quoted: "Subject", peer.subject.utf8) }
        if details.contains(.uris) {
            for name in peer.uriNames { text.add("URI", name.utf8) }
            if peer.uriNames.isEmpty { text.add("URI", "".utf8) }
        }
        if details.contains(.hosts) {
            for name in peer.dnsNames { text.add("DNS", name.utf8) }
        }
        return text.bytes
    }
}

/// One element of `x-forwarded-client-cert`: pairs with `;` between them.
private struct ElementText {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ key: String, _ value: some Collection<UInt8>) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: ";")) }
        bytes += key.utf8
        bytes.append(UInt8(ascii: "="))
        bytes += value
    }

    mutating func add(quoted key: String, _ value: some Collection<UInt8>) {
        let quote = UInt8(ascii: "\"")
        add(key, [quote] + value + [quote])
    }
}

extension [UInt8] {
    fileprivate var hexadecimal: [UInt8] {
        flatMap { byte in
            [byte >> 4, byte & 15].map { $0 < 10 ? $0 + 0x30 : $0 + 0x57 }
        }
    }

    /// A certificate in PEM without what ends a field's value or its parts.
    fileprivate var urlEncoded: [UInt8] {
        flatMap { byte in
            switch byte {
            case UInt8(ascii: "\n"): Array("%0A".utf8)
            case UInt8(ascii: " "): Array("%20".utf8)
            case UInt8(ascii: "+"): Array("%2B".utf8)
            case UInt8(ascii: "/"): Array("%2F".utf8)
            case UInt8(ascii: "="): Array("%3D".utf8)
            default: [byte]
            }
        }
    }
}
