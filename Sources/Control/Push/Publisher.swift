import Mesh

/// Turns worlds into catalogs, and tells all clients of the latest.
final class Publisher {
    /// How many clients are told in one go.
    static let batchLimit = 32

    private(set) var catalog: Catalog
    /// The latest that was checked; a world is checked before it is published.
    private var candidate: Catalog?
    private var subscribers: [UInt64: Subscriber] = [:]
    /// Who has to be told of the catalog, the first to be told last.
    private var untold: [UInt64] = []
    private var lastStream: UInt64 = 0
    private let trustDomain: TrustDomain
    private let fleet: Fleet
    private let wallClock: () -> Int64

    /// Begins with the world that is in force.
    ///
    /// - Parameters:
    ///   - world: What clients are told at first.
    ///   - trustDomain: Who vouches for the workloads.
    ///   - fleet: Is told what becomes of clients.
    ///   - wallClock: The time in milliseconds since 1970.
    /// - Throws: `MeshError` when a value of the world cannot be told to proxies.
    init(
        _ world: World, in trustDomain: TrustDomain = .standard, fleet: Fleet,
        wallClock: @escaping () -> Int64
    ) throws(MeshError) {
        catalog = try Catalog(world, in: trustDomain, after: nil)
        self.trustDomain = trustDomain
        self.fleet = fleet
        self.wallClock = wallClock
    }

    /// Finds out whether proxies would take a world.
    ///
    /// - Throws: `MeshError` with what they would answer.
    func check(_ world: World) throws(MeshError) {
        let next = try Catalog(world, in: trustDomain, after: catalog)
        try next.check()
        candidate = next
    }

    /// Puts the world that was checked last in force; clients are told after ``beginPush()``.
    func adopt(_ world: World) {
        guard let next = candidate, next.revision == world.revision else { return }
        catalog = next
        candidate = nil
    }

    /// Begins to tell all clients of what is in force, those who came first first.
    ///
    /// Whoever was still to be told of the world before is told of this one, and before those who
    /// know that: else many changes in a row would leave the last ones without any.
    func beginPush() {
        let waiting = Set(untold)
        untold = subscribers.keys.filter { !waiting.contains($0) }.sorted(by: >) + untold
    }

    /// Tells some clients; the rest wait, so that others get a turn between.
    ///
    /// - Parameter time: Since any fixed point, the same for all calls.
    /// - Returns: Whether there are more to tell.
    func pushSome(at time: Duration) -> Bool {
        for _ in 0..<Self.batchLimit {
            guard let stream = untold.popLast() else { return false }
            subscribers[stream]?.update(catalog, at: time)
        }
        return !untold.isEmpty
    }

    /// A client has opened a stream; `verified` says who it is where it has to show that.
    func subscribe(
        from address: String, _ verified: VerifiedClient? = nil,
        send: @escaping ([UInt8]) -> Void
    ) -> Subscriber {
        lastStream += 1
        let subscriber = Subscriber(
            stream: lastStream, address: address, verified: verified, catalog: catalog,
            fleet: fleet, now: wallClock, send: send)
        subscribers[lastStream] = subscriber
        return subscriber
    }

    /// A client's stream has ended.
    func unsubscribe(_ subscriber: Subscriber) {
        subscribers[subscriber.stream] = nil
        subscriber.end()
    }

    /// Sends what was held back for long enough.
    func tick(at time: Duration) {
        for subscriber in subscribers.values { subscriber.tick(at: time) }
    }
}
