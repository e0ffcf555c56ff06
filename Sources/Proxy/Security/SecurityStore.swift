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
        /// What the control plane or the bootstrap file gave for it.
        let secrets: [Secret]
        /// Of what all sources hold.
        let fingerprint: UInt64
        /// Those that will be spoken, which the terms do not say alone.
        let applicationProtocols: [String]
        let context: TLS.Context
    }

    private var downstream: [String: [Entry<DownstreamSecurity>?]] = [:]
    private var upstream: [String: Entry<UpstreamSecurity>] = [:]
    /// Of those towards endpoints, one for each that differs in more than the names it expects; by
    /// the fingerprint of what the sources hold.
    private var bases: [UInt64: [(settings: Settings, context: TLS.Context)]] = [:]
    /// Those of the control plane, each of which is good for itself.
    private var secrets: [String: Secret] = [:]

    /// Whether something has to be looked at again from time to time.
    private(set) var readsFiles = false
    /// Why what the files hold now is not in effect, in sentences.
    private(set) var complaints: [String] = []

    /// Makes the contexts of a configuration.
    ///
    /// - Throws: ``ApplyError`` naming the secret, listener or cluster, and what cannot be used.
    mutating func prepare(_ snapshot: Snapshot) throws(ApplyError) {
        var next = SecurityStore()
        try checkSecrets(of: snapshot)
        next.secrets = snapshot.secrets
        next.bases = bases
        for listener in snapshot.listeners.values
        where listener.chains.contains(where: { $0.security != nil }) {
            var entries: [Entry<DownstreamSecurity>?] = []
            for (index, chain) in listener.chains.enumerated() {
                let known = downstream[listener.name] ?? []
                entries.append(
                    try next.made(
                        of: listener.security(of: chain),
                        unless: index < known.count ? known[index] : nil,
                        .listener(listener.name), role: chain.security?.role ?? .client,
                        snapshot
                    ) { terms, reader throws(SourceError) in
                        try terms.settings(
                            holding: &reader, spoken: listener.codec.protocolNames)
                    })
            }
            next.downstream[listener.name] = entries
        }
        for cluster in snapshot.clusters.values {
            next.upstream[cluster.name] = try next.made(
                of: cluster.security, unless: upstream[cluster.name], .cluster(cluster.name),
                role: .client, snapshot
            ) { terms, reader throws(SourceError) in
                try terms.settings(holding: &reader)
            }
        }
        let used = Set(next.upstream.values.map(\.fingerprint))
        next.bases = next.bases.filter { used.contains($0.key) }
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

    /// Whether all are the same objects.
    func hasSameContexts(as other: SecurityStore) -> Bool {
        contexts.elementsEqual(other.contexts) { $0 === $1 }
    }

    private var contexts: [TLS.Context?] {
        downstream.sorted { $0.key < $1.key }.flatMap { $0.value.map { $0?.context } }
            + upstream.sorted { $0.key < $1.key }.map { $0.value.context }
    }

    /// Looks at what is new by itself, so that a secret is to blame and not all who use it.
    private func checkSecrets(of snapshot: Snapshot) throws(ApplyError) {
        for (name, secret) in snapshot.secrets.sorted(by: { $0.key < $1.key })
        where secrets[name] != secret {
            var reader = SourceReader(of: snapshot)
            do throws(SourceError) {
                guard let (settings, role) = try secret.content.settings(holding: &reader)
                else { continue }
                _ = try Self.context(settings, role)
            } catch {
                throw ApplyError(.secret(name), "\(error)")
            }
        }
    }

    private mutating func made<Terms: Equatable>(
        of terms: Terms?, unless known: Entry<Terms>?, _ part: ApplyError.Part, role: Role,
        _ snapshot: Snapshot,
        _ settings: (Terms, inout SourceReader) throws(SourceError) -> Settings
    ) throws(ApplyError) -> Entry<Terms>? {
        guard let terms else { return nil }
        var reader = SourceReader(of: snapshot)
        let known = known.flatMap { $0.terms == terms ? $0 : nil }
        do throws(SourceError) {
            let settings = try settings(terms, &reader)
            readsFiles = readsFiles || reader.readsFiles
            if let known, known.fingerprint == reader.fingerprint, known.secrets == reader.secrets,
                known.applicationProtocols == settings.applicationProtocols
            {
                return known
            }
            return Entry(
                terms: terms, secrets: reader.secrets, fingerprint: reader.fingerprint,
                applicationProtocols: settings.applicationProtocols,
                context: try context(settings, role, reader.fingerprint))
        } catch {
            readsFiles = readsFiles || reader.readsFiles
            if case .awaited = error { return nil }
            let refusal = ApplyError(part, "transport_socket: \(error)")
            guard let known else { throw refusal }
            let news = reader.secrets.last { !known.secrets.contains($0) }
            if let news, snapshot.secrets[news.name] == news {
                throw ApplyError(.secret(news.name), "\(refusal)")
            }
            complaints.append("\(refusal); what was there before stays in effect")
            return known
        }
    }

    private mutating func context(
        _ settings: Settings, _ role: Role, _ fingerprint: UInt64
    ) throws(SourceError) -> TLS.Context {
        guard role == .client else { return try Self.context(settings, role) }
        let base = bases[fingerprint]?.first { $0.settings.differsInNamesAlone(from: settings) }
        if let base { return TLS.Context(like: base.context, expecting: settings.expectedNames) }
        let context = try Self.context(settings, role)
        bases[fingerprint, default: []].append((settings, context))
        return context
    }

    private static func context(
        _ settings: Settings, _ role: Role
    ) throws(SourceError) -> TLS.Context {
        do throws(TLSError) {
            return try TLS.Context(settings, role: role)
        } catch {
            throw .unusable(error)
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
