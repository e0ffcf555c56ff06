import Bytes
import Kernel
import Mesh
import TLS

/// Makes TLS contexts of configurations, and keeps those that are in effect; on the main thread.
///
/// A context stays as long as its settings and files do, and with it the sessions that clients can
/// take up again. Files that become bad change nothing: what they held before stays in effect.
struct SecurityStore {
    /// Most bytes of one file.
    static let fileLimit = 1 << 20

    private struct Entry<Terms: Equatable> {
        let terms: Terms
        /// Of what all sources hold.
        let fingerprint: UInt64
        let context: TLS.Context
    }

    private var downstream: [String: [Entry<DownstreamSecurity>?]] = [:]
    private var upstream: [String: Entry<UpstreamSecurity>] = [:]

    /// Whether something has to be looked at again from time to time.
    private(set) var readsFiles = false
    /// Why what the files hold now is not in effect, in sentences.
    private(set) var complaints: [String] = []
    /// Changes with what the files hold that is in effect.
    private(set) var fingerprint: UInt64 = 0

    /// Makes the contexts of a configuration.
    ///
    /// - Throws: ``ApplyError`` naming the listener or cluster, and what cannot be used.
    mutating func prepare(
        listeners: some Collection<Listener>, clusters: some Collection<Cluster>
    ) throws(ApplyError) {
        var next = SecurityStore()
        for listener in listeners where listener.chains.contains(where: { $0.security != nil }) {
            var entries: [Entry<DownstreamSecurity>?] = []
            for (index, chain) in listener.chains.enumerated() {
                let known = downstream[listener.name] ?? []
                entries.append(
                    try next.made(
                        of: listener.security(of: chain),
                        unless: index < known.count ? known[index] : nil,
                        .listener(listener.name), role: chain.security?.role ?? .client
                    ) { terms, reader throws(SourceError) in
                        try terms.settings(
                            holding: &reader, spoken: listener.codec.protocolNames)
                    })
            }
            next.downstream[listener.name] = entries
        }
        for cluster in clusters {
            next.upstream[cluster.name] = try next.made(
                of: cluster.security, unless: upstream[cluster.name], .cluster(cluster.name),
                role: .client
            ) { terms, reader throws(SourceError) in
                try terms.settings(holding: &reader)
            }
        }
        self = next
    }

    /// When what is presented ends being good, in seconds since 1970, in the order of the names.
    var expiries: [(side: Refusal.Side, expiry: Int64)] {
        let listeners = downstream.sorted { $0.key < $1.key }.compactMap { name, entries in
            entries.compactMap { $0?.context.expiry }.min().map {
                (side: Refusal.Side.listener(name), expiry: $0)
            }
        }
        let clusters = upstream.sorted { $0.key < $1.key }.compactMap { name, entry in
            entry.context.expiry.map { (side: Refusal.Side.cluster(name), expiry: $0) }
        }
        return listeners + clusters
    }

    /// For each chain of a listener; `nil` where bytes go as they come.
    func contexts(ofListener name: String) -> [TLS.Context?] {
        downstream[name]?.map { $0?.context } ?? []
    }

    /// `nil` where bytes go as they are.
    func context(ofCluster name: String) -> TLS.Context? {
        upstream[name]?.context
    }

    private mutating func made<Terms: Equatable>(
        of terms: Terms?, unless known: Entry<Terms>?, _ part: ApplyError.Part, role: Role,
        _ settings: (Terms, inout SourceReader) throws(SourceError) -> Settings
    ) throws(ApplyError) -> Entry<Terms>? {
        guard let terms else { return nil }
        var reader = SourceReader()
        let isKnown = known?.terms == terms
        do throws(SourceError) {
            let settings = try settings(terms, &reader)
            readsFiles = readsFiles || reader.readsFiles
            if isKnown, let known, known.fingerprint == reader.fingerprint {
                fingerprint ^= known.fingerprint
                return known
            }
            fingerprint ^= reader.fingerprint
            return Entry(
                terms: terms, fingerprint: reader.fingerprint,
                context: try context(settings, role))
        } catch {
            readsFiles = readsFiles || reader.readsFiles
            let refusal = ApplyError(part, "transport_socket: \(error)")
            guard isKnown, let known else { throw refusal }
            complaints.append("\(refusal); what was there before stays in effect")
            fingerprint ^= known.fingerprint
            return known
        }
    }

    private func context(
        _ settings: Settings, _ role: Role
    ) throws(SourceError) -> TLS.Context {
        do throws(TLSError) {
            return try TLS.Context(settings, role: role)
        } catch {
            throw .unusable(error)
        }
    }
}

/// Why settings could not be read.
enum SourceError: Error, CustomStringConvertible {
    case unreadable(String, Errno)
    case unusable(TLSError)

    var description: String {
        switch self {
        case .unreadable(let path, let error): "cannot read \(path): \(error)"
        case .unusable(.settings(let setting)): "\(setting.sentence)"
        case .unusable(let error): "\(error)"
        }
    }
}

/// Reads files and what stands in the configuration itself, and tells when any of it has changed.
struct SourceReader {
    private(set) var fingerprint: UInt64 = 0
    private(set) var readsFiles = false

    mutating func bytes(of source: DataSource) throws(SourceError) -> [UInt8] {
        let bytes = try read(source)
        fingerprint = xxHash64(bytes.span, seed: fingerprint)
        return bytes
    }

    private mutating func read(_ source: DataSource) throws(SourceError) -> [UInt8] {
        switch source {
        case .inline(let bytes): return bytes
        case .file(let path):
            readsFiles = true
            do throws(Errno) {
                return try File.read(path, limit: SecurityStore.fileLimit)
            } catch {
                throw .unreadable(path, error)
            }
        }
    }
}

extension Listener.Codec {
    /// What may be agreed upon in a handshake (ALPN).
    fileprivate var protocolNames: [String] {
        switch self {
        case .automatic: ["h2", "http/1.1"]
        case .http1: ["http/1.1"]
        case .http2: ["h2"]
        }
    }
}

extension TLSError.Setting {
    fileprivate var sentence: String {
        switch self {
        case .certificateChain: "certificate_chain holds no certificate in PEM"
        case .privateKey: "private_key holds no key in PEM that is not encrypted"
        case .keyMismatch: "private_key is not the key of the certificate"
        case .duplicateKeyKind: "two certificates have keys of the same kind"
        case .trustedAuthorities: "trusted_ca holds no certificate in PEM"
        case .versions: "the versions cannot be used"
        case .ciphers: "cipher_suites names what is not known"
        case .groups: "ecdh_curves names what is not known"
        case .applicationProtocols: "alpn_protocols has a name that is empty or too long"
        case .serverName: "sni is not a name"
        }
    }
}
