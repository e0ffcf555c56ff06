import Mesh

/// The world, and the one way to change it: checked, then kept, then in force.
final class Ledger {
    /// What a user wants to be different.
    enum Edit {
        case put(Service)
        case split(Service)
        case delete(String)
        case restore(UInt64)
    }

    /// Who changes the world, and why.
    struct Author: Equatable {
        var who: String
        var why: String
    }

    /// What a change did, or would do.
    struct Change: Equatable {
        /// The revision that it made or would make; the present one when nothing differs.
        let revision: UInt64
        let isChanged: Bool
        let differences: [Difference]
    }

    /// Why the world stays as it is.
    enum Failure: Error {
        case invalid(MeshError)
        case noRevision
        case tooManyServices
        case store(StoreError)
    }

    private(set) var world: World
    private let store: any RevisionStore
    private let validate: (World) throws(MeshError) -> Void
    /// Milliseconds since 1970.
    private let now: () -> Int64

    /// Takes over a store.
    ///
    /// - Parameters:
    ///   - world: What the store has.
    ///   - store: Where revisions are kept.
    ///   - now: The time in milliseconds since 1970.
    ///   - validate: Whether a proxy would take that world.
    init(
        _ world: World,
        store: any RevisionStore,
        now: @escaping () -> Int64,
        validate: @escaping (World) throws(MeshError) -> Void
    ) {
        self.store = store
        self.now = now
        self.validate = validate
        self.world = world
    }

    /// Changes the world; the change is kept when this returns.
    ///
    /// - Parameters:
    ///   - edit: What is to be different; nothing is done when it makes no difference.
    ///   - author: Who wants it.
    ///   - isDryRun: Only says what would be different.
    /// - Returns: The change, and the revision as it was kept; `nil` when nothing was.
    /// - Throws: ``Failure``; then nothing has changed.
    func apply(
        _ edit: Edit, by author: Author, isDryRun: Bool
    ) throws(Failure) -> (Change, Revision?) {
        let changes = try changes(of: edit)
        let names = changes.keys.filter {
            world.services[$0]?.service != changes[$0].flatMap { $0 }
        }
        .sorted()
        let unchanged = Change(revision: world.revision, isChanged: false, differences: [])
        if names.isEmpty { return (unchanged, nil) }

        let changed = Set(names)
        let next = world.applying(changes.filter { changed.contains($0.key) })
        if next.services.count > World.serviceLimit { throw .tooManyServices }
        do {
            try validate(next)
        } catch {
            throw .invalid(error)
        }
        let differences = world.differences(to: next, in: names)
        let change = Change(
            revision: next.revision, isChanged: true, differences: differences)
        if isDryRun { return (change, nil) }

        let revision = Revision(
            number: next.revision, at: now(), who: author.who, why: author.why, kind: edit.kind,
            service: edit.service)
        do {
            try store.append(revision, differences: differences, next: next, names: names)
        } catch {
            throw .store(error)
        }
        world = next
        return (change, revision)
    }

    /// A revision and what it changed; `nil` when it is not there.
    func revision(_ number: UInt64) throws(StoreError) -> (Revision, [Difference])? {
        try store.revision(number)
    }

    /// At most `limit` revisions before `number`, the newest first.
    func revisions(before number: UInt64, limit: Int) throws(StoreError) -> [Revision] {
        try store.revisions(before: number, limit: limit)
    }

    /// Lets go of the store; nothing can be changed after that.
    func close() {
        store.close()
    }

    private func changes(of edit: Edit) throws(Failure) -> [String: Service?] {
        switch edit {
        case .put(let service), .split(let service): return [service.name: service]
        case .delete(let name): return [name: Service?.none]
        case .restore(let number):
            do {
                guard try store.revision(number) != nil else { throw Failure.noRevision }
                let old = try store.world(at: number)
                var changes: [String: Service?] = world.services.mapValues { _ in nil }
                for (name, entry) in old.services { changes[name] = .some(entry.service) }
                return changes
            } catch let error as StoreError {
                throw .store(error)
            } catch {
                throw .noRevision
            }
        }
    }
}

extension Ledger.Edit {
    fileprivate var kind: Revision.Kind {
        switch self {
        case .put: .put
        case .split: .split
        case .delete: .delete
        case .restore: .restore
        }
    }

    fileprivate var service: String? {
        switch self {
        case .put(let service), .split(let service): service.name
        case .delete(let name): name
        case .restore: nil
        }
    }
}
