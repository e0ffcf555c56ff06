/// The sidecars and other xDS clients that are connected, and what each has in effect.
final class Fleet {
    /// The longest name of a client that is kept, in bytes.
    static let nameLimit = 256
    /// The longest reason of a refusal that is kept, in bytes.
    static let reasonLimit = 4096

    /// Why a client did not take a revision.
    struct Refusal: Equatable {
        /// The type of the resources, such as `envoy.config.route.v3.RouteConfiguration`.
        let type: String
        let revision: UInt64
        let reason: String
    }

    struct Proxy: Equatable {
        /// As the client calls itself (`node.id`); two clients may use the same.
        let id: String
        /// For whom it forwards (`node.cluster`).
        let service: String
        let address: String
        let userAgent: String
        /// Milliseconds since 1970.
        let connectedAt: Int64
        /// As `NAMESPACE/ACCOUNT`; `nil` for one that did not have to show who it is.
        let identity: String?
        /// The latest revision that is in effect there with all types; `nil` before the first.
        fileprivate(set) var revision: UInt64?
        /// The latest refusal, until a later revision is in effect.
        fileprivate(set) var refusal: Refusal?
    }

    enum Standing: String {
        case current
        case lagging
        case refused
    }

    /// How far a revision has come.
    struct Coverage: Equatable {
        let revision: UInt64
        let applied: Int
        let of: Int
        let lagging: [String]
        let refused: [(proxy: String, refusal: Refusal)]

        var isComplete: Bool { applied == of }

        static func == (one: Coverage, other: Coverage) -> Bool {
            one.revision == other.revision && one.applied == other.applied && one.of == other.of
                && one.lagging == other.lagging
                && one.refused.elementsEqual(other.refused) { $0 == $1 }
        }
    }

    /// What happened to one client.
    enum Incident {
        case connected(Proxy)
        case disconnected(Proxy)
        case refused(Proxy)
        case advanced
    }

    private var proxies: [UInt64: Proxy] = [:]
    /// Told of everything that happens.
    var onIncident: (Incident) -> Void = { _ in }

    init() {}

    var count: Int { proxies.count }

    /// All clients by their names, those of equal names by the time that they came.
    var all: [Proxy] {
        proxies.sorted { ($0.value.id, $0.key) < ($1.value.id, $1.key) }.map(\.value)
    }

    /// A client is connected and has said who it is.
    ///
    /// - Parameters:
    ///   - stream: Names the connection from now on; larger than those before.
    ///   - proxy: Who it is.
    func connect(_ stream: UInt64, _ proxy: Proxy) {
        proxies[stream] = proxy
        onIncident(.connected(proxy))
    }

    func disconnect(_ stream: UInt64) {
        guard let proxy = proxies.removeValue(forKey: stream) else { return }
        onIncident(.disconnected(proxy))
    }

    /// A client has that revision in effect.
    func advance(_ stream: UInt64, to revision: UInt64) {
        guard var proxy = proxies[stream], proxy.revision != revision else { return }
        proxy.revision = revision
        if let refusal = proxy.refusal, refusal.revision <= revision { proxy.refusal = nil }
        proxies[stream] = proxy
        onIncident(.advanced)
    }

    /// A client keeps what it has.
    func refuse(_ stream: UInt64, _ refusal: Refusal) {
        guard var proxy = proxies[stream] else { return }
        proxy.refusal = refusal
        proxies[stream] = proxy
        onIncident(.refused(proxy))
    }

    /// How many of those connected now have the revision, or a later one, in effect.
    func coverage(of revision: UInt64) -> Coverage {
        var applied = 0
        var lagging: [String] = []
        var refused: [(proxy: String, refusal: Refusal)] = []
        for proxy in all {
            if let current = proxy.revision, current >= revision {
                applied += 1
            } else if let refusal = proxy.refusal, refusal.revision >= revision {
                refused.append((proxy.id, refusal))
            } else {
                lagging.append(proxy.id)
            }
        }
        return Coverage(
            revision: revision, applied: applied, of: proxies.count, lagging: lagging,
            refused: refused)
    }
}

extension Fleet.Proxy {
    init(
        id: String, service: String, address: String, userAgent: String, connectedAt: Int64,
        identity: String? = nil
    ) {
        self.id = id
        self.service = service
        self.address = address
        self.userAgent = userAgent
        self.connectedAt = connectedAt
        self.identity = identity
        revision = nil
        refusal = nil
    }

    func standing(at latest: UInt64) -> Fleet.Standing {
        if let revision, revision >= latest { return .current }
        return refusal == nil ? .lagging : .refused
    }
}
