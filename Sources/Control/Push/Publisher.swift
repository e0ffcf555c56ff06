import Mesh

/// Turns worlds into catalogs, and tells all clients of the latest.
final class Publisher {
    private(set) var catalog: Catalog
    /// The latest that was checked; a world is checked before it is published.
    private var candidate: Catalog?
    private var subscribers: [UInt64: Subscriber] = [:]
    private var lastStream: UInt64 = 0
    private let fleet: Fleet
    private let wallClock: () -> Int64

    /// Begins with the world that is in force.
    ///
    /// - Parameters:
    ///   - world: What clients are told at first.
    ///   - fleet: Is told what becomes of clients.
    ///   - wallClock: The time in milliseconds since 1970.
    /// - Throws: `MeshError` when a value of the world cannot be told to proxies.
    init(_ world: World, fleet: Fleet, wallClock: @escaping () -> Int64) throws(MeshError) {
        catalog = try Catalog(world, after: nil)
        self.fleet = fleet
        self.wallClock = wallClock
    }

    /// Finds out whether proxies would take a world.
    ///
    /// - Throws: `MeshError` with what they would answer.
    func check(_ world: World) throws(MeshError) {
        let next = try Catalog(world, after: catalog)
        try next.check(after: catalog)
        candidate = next
    }

    /// Puts the world that was checked last in force; ``push(at:)`` tells clients.
    func adopt(_ world: World) {
        guard let next = candidate, next.revision == world.revision else { return }
        catalog = next
        candidate = nil
    }

    /// Tells all clients of what is in force, whatever came since they were told last.
    ///
    /// - Parameter time: Since any fixed point, the same for all calls.
    func push(at time: Duration) {
        for (_, subscriber) in subscribers.sorted(by: { $0.key < $1.key }) {
            subscriber.update(catalog, at: time)
        }
    }

    /// A client has opened a stream.
    func subscribe(from address: String, send: @escaping ([UInt8]) -> Void) -> Subscriber {
        lastStream += 1
        let subscriber = Subscriber(
            stream: lastStream, address: address, catalog: catalog, fleet: fleet,
            now: wallClock, send: send)
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
