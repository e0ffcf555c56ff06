import Foundation
import Mesh
import XDS

@testable import Control

/// A store that keeps revisions in memory and fails when it is told to.
final class MemoryStore: RevisionStore {
    var failure: StoreError?
    private(set) var kept: [(revision: Revision, differences: [Difference], world: World)] = []

    func load() throws(StoreError) -> World { kept.last?.world ?? World() }

    func append(
        _ revision: Revision, differences: [Difference], next: World, names: [String]
    ) throws(StoreError) {
        if let failure { throw failure }
        kept.append((revision, differences, next))
    }

    func revision(_ number: UInt64) throws(StoreError) -> (Revision, [Difference])? {
        if let failure { throw failure }
        return kept.first { $0.revision.number == number }.map { ($0.revision, $0.differences) }
    }

    func revisions(before number: UInt64, limit: Int) throws(StoreError) -> [Revision] {
        if let failure { throw failure }
        return Array(
            kept.map(\.revision).filter { $0.number < number }.reversed().prefix(limit))
    }

    func world(at number: UInt64) throws(StoreError) -> World {
        kept.first { $0.revision.number == number }?.world ?? World()
    }

    func close() {}
}

/// An API over a store, without sockets.
final class Bench {
    let fleet = Fleet()
    let api: API
    let publisher: Publisher
    /// What was to be pushed.
    private(set) var pushed: [UInt64] = []
    /// Whether only one batch of clients is told of each change.
    var isPushedInBatches = false

    init(_ store: any RevisionStore = MemoryStore(), tokens: Tokens? = nil) throws {
        let world = try store.load()
        let publisher = try Publisher(world, fleet: fleet) { 1_700_000_000_000 }
        let ledger = Ledger(world, store: store, now: { 1_700_000_000_000 }) {
            (next) throws(MeshError) in try publisher.check(next)
        }
        self.publisher = publisher
        api = API(
            ledger: ledger, fleet: fleet, events: EventLog(epoch: 7), tokens: tokens,
            programVersion: "test")
        api.onRevision = { [unowned self] world, _ in
            pushed.append(world.revision)
            publisher.adopt(world)
            publisher.beginPush()
            var hasMore = true
            while hasMore {
                hasMore = publisher.pushSome(at: .zero) && !isPushedInBatches
            }
        }
    }

    @discardableResult
    func send(
        _ method: String, _ target: String, _ body: String? = nil, _ fields: [String: String] = [:]
    ) -> APIReply {
        var all = fields.map { (name: $0.key, value: $0.value) }
        if body != nil, fields["content-type"] == nil {
            all.append((name: "Content-Type", value: "application/json"))
        }
        let request = APIRequest(method, target, fields: all, body: Array((body ?? "").utf8))
        guard case .reply(let reply) = api.respond(to: request) else { return APIReply(status: 0) }
        return reply
    }
}

extension APIReply {
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    }

    /// The paths that a problem names.
    var wrongPaths: [String] {
        (json["errors"] as? [[String: Any]])?.compactMap { $0["path"] as? String } ?? []
    }
}

let reviews = """
    {"protocol": "http",
     "versions": {"v1": {"endpoints": ["127.0.0.1:9001"]}, "v2": {"endpoints": ["[::1]:9002"]}},
     "routes": [
       {"name": "beta", "match": {"headers": {"x-user-group": "beta"}}, "split": {"v2": 100}},
       {"split": {"v1": 95, "v2": 5}, "sticky": {"cookie": "user"}}]}
    """

let database = """
    {"protocol": "tcp", "listen": "127.0.0.1:5432",
     "versions": {"v1": {"endpoints": ["127.0.0.1:9001"]}, "v2": {"endpoints": ["[::1]:9002"]}},
     "routes": [{"split": {"v1": 95, "v2": 5}}]}
    """

/// The catalog of services as documents describe them, checked.
func catalog(_ documents: [String: String]) throws -> Catalog {
    var world = World()
    for (name, text) in documents.sorted(by: { $0.key < $1.key }) {
        let document = try decodeDocument(ServiceDocument.self, from: Array(text.utf8))
        world = world.applying([name: try document.service(named: name)])
    }
    let catalog = try Catalog(world, after: nil)
    try catalog.check()
    return catalog
}

/// What a sidecar makes of an offer.
func decoded(_ offer: ResourceOffer) throws -> Snapshot {
    var decoder = ResourceDecoder(rejectsUnknownFields: true)
    var snapshot = Snapshot()
    for resource in offer.listeners.resources.values {
        snapshot.listeners[resource.name] = try decoder.listener(resource.body)
    }
    for resource in offer.routeConfigurations.resources.values {
        snapshot.routeConfigurations[resource.name] = try decoder.routeConfiguration(
            resource.body)
    }
    for resource in offer.clusters.resources.values {
        snapshot.clusters[resource.name] = try decoder.cluster(resource.body)
    }
    for resource in offer.endpointAssignments.resources.values {
        snapshot.assignments[resource.name] = try decoder.endpointAssignment(resource.body)
    }
    return snapshot
}

/// Numbers that a seed decides (SplitMix64).
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
