public import EventLoop
public import Kernel
import Mesh
import Transport

/// The control plane: the API, the store, and the clients that it tells what is in force.
///
/// All of it runs on one loop's thread.
public final class ControlPlane {
    /// What an operator decides.
    public struct Settings {
        public var api: SocketAddress
        /// Where configuration is told in the clear; `nil` tells nobody so.
        public var xds: SocketAddress?
        /// The mesh's certificate authority; `nil` for a mesh without.
        public var authority: AuthoritySettings?
        /// The file of the embedded store.
        public var storePath: String
        /// `name:token` lines; `nil` lets everybody in who reaches the address.
        public var tokenFile: [UInt8]?
        public var programVersion: String

        public init(
            api: SocketAddress, xds: SocketAddress?, authority: AuthoritySettings? = nil,
            storePath: String, tokenFile: [UInt8]? = nil, programVersion: String
        ) {
            self.api = api
            self.xds = xds
            self.authority = authority
            self.storePath = storePath
            self.tokenFile = tokenFile
            self.programVersion = programVersion
        }
    }

    /// Why a control plane does not start.
    public enum Failure: Error, CustomStringConvertible {
        /// An address that others reach, and nothing to tell them apart.
        case notLoopback(SocketAddress)
        case tokenFile(String)
        case store(String)
        case authority(String)
        case listen(SocketAddress, Errno)

        public var description: String {
            switch self {
            case .notLoopback(let address):
                "\(address) is not a loopback address: give a --token-file"
            case .tokenFile(let reason): "the token file: \(reason)"
            case .store(let reason): reason
            case .authority(let reason): "the certificate authority: \(reason)"
            case .listen(let address, let errno): "cannot listen on \(address): \(errno)"
            }
        }
    }

    /// How long requests and streams have to end once the program is to stop.
    public static let shutdownLimit = Duration.seconds(3)
    private static let tickInterval = Duration.seconds(1)
    /// The longest silence on the event stream.
    private static let keepAliveInterval = Duration.seconds(15)
    /// The longest message of a client in bytes.
    private static let requestLimit = 4 << 20

    private let loop: EventLoop
    private let api: API
    private let apiServer: APIServer
    private let publisher: Publisher
    private let discovery: DiscoveryService
    private let httpServer: HTTPServer
    private let grpcServer: GRPCServer?
    private let authority: MeshAuthority?
    private let securePort: SecurePort?
    private let log: (String) -> Void
    private var isPushDue = false
    private var isCoverageStale = false
    private var isTurnEndAwaited = false
    private var keepAliveTime = Duration.zero
    private var pushTimer: TimerToken?

    /// Reads the store and starts to listen.
    ///
    /// - Parameters:
    ///   - settings: What the operator decided.
    ///   - loop: Whose thread everything lives on.
    ///   - log: Takes a line about what happens.
    /// - Throws: ``Failure``.
    public init(
        _ settings: Settings, loop: EventLoop, log: @escaping (String) -> Void
    ) throws(Failure) {
        let tokens = try Self.tokens(settings)
        for address in [settings.api, settings.xds].compactMap(\.self)
        where !address.isLoopback && tokens == nil {
            throw .notLoopback(address)
        }
        let fleet = Fleet()
        let trustDomain = try Self.trustDomain(of: settings.authority)
        let parts = try Self.restore(settings.storePath, in: trustDomain, fleet: fleet)
        publisher = parts.publisher
        authority = try Self.authority(settings.authority, in: trustDomain, parts.store, log)
        api = API(
            ledger: parts.ledger, fleet: fleet, events: EventLog(epoch: Self.wallClock()),
            tokens: tokens, authority: authority, programVersion: settings.programVersion)
        apiServer = APIServer(api)
        discovery = DiscoveryService(publisher, time: { since(loop.now) }, log: log)
        do throws(Errno) {
            httpServer = try HTTPServer(
                loop: loop, address: settings.api,
                limits: HTTPServerLimits(bodyByteCount: APIRequest.bodyLimit),
                handler: apiServer)
        } catch {
            throw .listen(settings.api, error)
        }
        var limits = GRPCLimits()
        limits.receivedMessageByteCount = Self.requestLimit
        grpcServer = try Self.server(settings.xds, discovery, loop: loop, limits: limits)
        if let authority, let address = settings.authority?.address {
            securePort = try SecurePort(
                authority, discovery: discovery, loop: loop, address: address, limits: limits,
                time: { since(loop.now) }, log: log)
        } else {
            securePort = nil
        }
        self.loop = loop
        self.log = log
        fleet.onIncident = { [unowned self] in note($0) }
        api.onRevision = { [unowned self] in publish($0, $1) }
        api.onTrouble = log
        if authority != nil, tokens == nil {
            log("whoever reaches the API can have every identity: give a --token-file")
        }
        authority?.onChange = { [unowned self] in securePort?.present() }
        _ = loop.schedule(after: Self.tickInterval, for: self)
    }

    /// Where the API listens, with the port that the kernel chose.
    public var apiAddress: SocketAddress { httpServer.address }
    /// Where clients ask for their configuration, with the port that the kernel chose.
    public var xdsAddress: SocketAddress? { grpcServer?.address }
    /// The same for those who show who they are.
    public var secureAddress: SocketAddress? { securePort?.address }
    /// The current revision.
    public var revision: UInt64 { api.ledger.world.revision }

    /// Takes nothing new, ends what there is, and stops the loop then.
    public func beginShutdown() {
        let loop = loop
        httpServer.onDrained = { loop.stop() }
        grpcServer?.close()
        securePort?.close()
        httpServer.beginShutdown()
        _ = loop.schedule(after: Self.shutdownLimit, for: LoopEnd(loop))
    }

    /// Lets go of the store, when the loop has ended.
    public func close() {
        grpcServer?.close()
        securePort?.close()
        httpServer.close()
        api.ledger.close()
    }

    private func publish(_ world: World, _ revision: Revision) {
        publisher.adopt(world)
        isPushDue = true
        let subject = revision.service ?? "\(world.services.count) services"
        let reason = revision.why.isEmpty ? "" : ": \(revision.why)"
        let act = "\(revision.kind.rawValue) \(subject) by \(revision.who)\(reason)"
        log("revision \(revision.number): \(act)")
        noteCoverage()
    }

    private func note(_ incident: Fleet.Incident) {
        switch incident {
        case .connected(let proxy):
            log("\(proxy.id) (\(proxy.service)) is connected from \(proxy.address)")
            tell(of: proxy, isConnected: true)
        case .disconnected(let proxy):
            log("\(proxy.id) (\(proxy.service)) is gone")
            tell(of: proxy, isConnected: false)
        case .refused(let proxy):
            let reason = proxy.refusal.map { "\($0.revision): \($0.reason)" } ?? ""
            log("\(proxy.id) (\(proxy.service)) refuses revision \(reason)")
            tell(of: proxy, isConnected: true)
        case .advanced: break
        }
        noteCoverage()
    }

    private func tell(of proxy: Fleet.Proxy, isConnected: Bool) {
        var document = ProxyDocument(proxy, at: revision)
        document.connected = isConnected
        api.events.append("proxy", document)
    }

    private func pushSome() {
        guard publisher.pushSome(at: time), pushTimer == nil else { return }
        pushTimer = loop.schedule(after: .zero, for: self)
    }

    /// Many clients may advance in one turn; followers are told once.
    private func noteCoverage() {
        isCoverageStale = true
        if isTurnEndAwaited { return }
        isTurnEndAwaited = true
        loop.atEndOfTurn(self)
    }

    private var time: Duration { since(loop.now) }
}

/// The time of a loop as policies count it.
private func since(_ instant: Instant) -> Duration {
    .nanoseconds(Int64(clamping: instant.nanoseconds))
}

extension ControlPlane: TurnHandler {
    /// The author of a change is answered before hundreds of clients are told.
    public func turnEnded() {
        isTurnEndAwaited = false
        if isPushDue {
            isPushDue = false
            publisher.beginPush()
            pushSome()
        }
        if isCoverageStale {
            isCoverageStale = false
            api.events.append("applied", api.applied)
        }
    }
}

extension ControlPlane: TimerHandler {
    public func timerFired(_ timer: TimerToken) {
        if timer == pushTimer {
            pushTimer = nil
            pushSome()
            return
        }
        authority?.tick()
        securePort?.tick()
        publisher.tick(at: time)
        if time >= keepAliveTime {
            keepAliveTime = time + Self.keepAliveInterval
            api.events.keepAlive()
        }
        _ = loop.schedule(after: Self.tickInterval, for: self)
    }
}

extension ControlPlane {
    fileprivate static func wallClock() -> Int64 {
        Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000)
    }

    private static func tokens(_ settings: Settings) throws(Failure) -> Tokens? {
        guard let file = settings.tokenFile else { return nil }
        do {
            return try Tokens(parsing: file)
        } catch {
            throw .tokenFile(error.reason)
        }
    }

    private static func restore(
        _ path: String, in trustDomain: TrustDomain, fleet: Fleet
    ) throws(Failure) -> (ledger: Ledger, publisher: Publisher, store: SQLiteStore) {
        do throws(StoreError) {
            let store = try SQLiteStore(path: path)
            let world = try store.load()
            let publisher = try publisher(of: world, in: trustDomain, fleet: fleet)
            let ledger = Ledger(world, store: store, now: wallClock) { next throws(MeshError) in
                try publisher.check(next)
            }
            return (ledger, publisher, store)
        } catch {
            throw .store("\(path): \(error.reason)")
        }
    }

    private static func server(
        _ address: SocketAddress?, _ discovery: DiscoveryService, loop: EventLoop,
        limits: GRPCLimits
    ) throws(Failure) -> GRPCServer? {
        guard let address else { return nil }
        do {
            return try GRPCServer(
                loop: loop, address: address, limits: limits, delegate: discovery)
        } catch {
            throw .listen(address, error)
        }
    }

    private static func publisher(
        of world: World, in trustDomain: TrustDomain, fleet: Fleet
    ) throws(StoreError) -> Publisher {
        do {
            return try Publisher(
                world, in: trustDomain, fleet: fleet, wallClock: wallClock)
        } catch {
            throw .damaged(reason: error.description)
        }
    }
}

extension Tokens.Failure {
    fileprivate var reason: String {
        switch self {
        case .notUTF8: "it is not UTF-8"
        case .noToken: "there is no token in it"
        case .tooMany: "it has more than \(Tokens.limit) tokens"
        case .line(let number):
            "line \(number) is not name:token with a token of \(Tokens.shortest) characters or more"
        }
    }
}

/// Stops a loop when time is up.
private final class LoopEnd: TimerHandler {
    private let loop: EventLoop

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    func timerFired(_ timer: TimerToken) {
        loop.stop()
    }
}
