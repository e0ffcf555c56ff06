import Mesh

/// All services as they are at one revision.
struct World: Equatable {
    /// The most services that one control plane holds.
    static let serviceLimit = 10_000

    struct Entry: Equatable {
        let service: Service
        /// The revision that changed the service last.
        let changedAt: UInt64
    }

    /// Counts changes; zero before the first.
    private(set) var revision: UInt64
    /// By name.
    private(set) var services: [String: Entry]
    /// The names in the order in which they are listed.
    private(set) var names: [String]

    init(revision: UInt64 = 0, services: [String: Entry] = [:]) {
        self.revision = revision
        self.services = services
        names = services.keys.sorted()
    }

    /// The world one revision later, with other services in place of those of the same names.
    ///
    /// - Parameter changes: By name; `nil` takes the service away.
    /// - Returns: The next world.
    func applying(_ changes: [String: Service?]) -> World {
        var next = self
        next.revision += 1
        var areNamesSame = true
        for (name, service) in changes {
            if (next.services[name] == nil) != (service == nil) { areNamesSame = false }
            next.services[name] = service.map { Entry(service: $0, changedAt: next.revision) }
        }
        if !areNamesSame { next.names = next.services.keys.sorted() }
        return next
    }
}
