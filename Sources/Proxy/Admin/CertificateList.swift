import Mesh
import TLS

/// Certificates as Envoy's `/certs` shows them (`envoy.admin.v3.Certificates`).
struct CertificateList {
    /// What one side presents, and whom it trusts.
    struct Entry {
        struct Source {
            /// Empty for what stands in no file.
            let path: String
            let certificates: [CertificateDescription]
        }

        var authorities: [Source] = []
        var chains: [Source] = []
    }

    private(set) var entries: [Entry] = []
    private var fingerprints: Set<UInt64> = []
    /// Now, in seconds since 1970.
    private let date: Int64

    init(date: Int64) {
        self.date = date
    }

    /// Adds the own identity.
    mutating func add(_ identity: IdentityReport) {
        if identity.certificates.isEmpty { return }
        entries.append(
            Entry(
                authorities: [.init(path: "", certificates: identity.roots)],
                chains: [.init(path: "", certificates: identity.certificates)]))
    }

    /// Adds what a configuration uses, once where several use the same; reads files.
    mutating func add(_ snapshot: Snapshot) {
        for listener in snapshot.listeners.values.sorted(by: { $0.name < $1.name }) {
            for security in listener.chains.compactMap(\.security) {
                add(security.certificates, security.validation, of: snapshot)
            }
        }
        for cluster in snapshot.clusters.values.sorted(by: { $0.name < $1.name }) {
            guard let security = cluster.security else { continue }
            add(security.certificates, security.validation, of: snapshot)
        }
    }

    /// What cannot be read now is left out.
    private mutating func add(
        _ presented: [PresentedCertificate], _ validation: ValidationSource?, of snapshot: Snapshot
    ) {
        var reader = SourceReader(of: snapshot)
        var entry = Entry()
        for certificate in presented {
            guard let credential = try? reader.credential(of: certificate) else { continue }
            entry.chains.append(
                .init(
                    path: certificate.path,
                    certificates: .init(inPEM: credential.certificateChain)))
        }
        if let source = validation, let known = try? reader.validation(of: source),
            let bytes = try? reader.bytes(of: known.trustedAuthorities)
        {
            entry.authorities.append(
                .init(path: known.trustedAuthorities.path, certificates: .init(inPEM: bytes)))
        }
        if fingerprints.insert(reader.fingerprint).inserted { entries.append(entry) }
    }

    var json: JSONValue {
        .object([
            (
                "certificates",
                .array(
                    entries.map { entry in
                        .object([
                            ("ca_cert", .array(entry.authorities.flatMap(details))),
                            ("cert_chain", .array(entry.chains.flatMap(details))),
                        ])
                    })
            )
        ])
    }

    private func details(of source: Entry.Source) -> [JSONValue] {
        source.certificates.map { details(of: $0, at: source.path) }
    }

    private func details(of certificate: CertificateDescription, at path: String) -> JSONValue {
        let identity = certificate.identity
        let names = [
            ("uri", identity.uriNames), ("dns", identity.dnsNames),
            ("ip_address", identity.ipAddresses),
        ].flatMap { kind, names in
            names.map { JSONValue.object([(kind, .string($0))]) }
        }
        let days = max(certificate.endsAt - date, 0) / 86_400
        return .object([
            ("path", .string(path.isEmpty ? "<inline>" : path)),
            ("serial_number", .string(certificate.serialNumber)),
            ("subject_alt_names", .array(names)),
            ("days_until_expiration", .longNumber(UInt64(days))),
            ("valid_from", .string(IdentityClient.Event.text(of: certificate.startsAt))),
            ("expiration_time", .string(IdentityClient.Event.text(of: certificate.endsAt))),
        ])
    }
}

extension Array<CertificateDescription> {
    fileprivate init(inPEM text: [UInt8]) {
        self = CertificateDescription.all(inPEM: text)
    }
}

extension PresentedCertificate {
    fileprivate var path: String {
        switch self {
        case .given(let source): source.certificateChain.path
        case .secret: ""
        }
    }
}

extension DataSource {
    /// Empty where it is no file.
    fileprivate var path: String {
        switch self {
        case .file(let path): path
        case .inline: ""
        }
    }
}
