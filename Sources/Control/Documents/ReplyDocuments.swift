import Bytes
import Telemetry

/// A moment as it is written in JSON (RFC 3339 §5.6).
func timeText(_ milliseconds: Int64) -> String {
    var text = Buffer()
    Timestamp(unixMilliseconds: UInt64(clamping: milliseconds)).append(to: &text)
    return String(text.bytes)
}

/// A part of a longer list, and where the rest begins.
struct PageDocument<Item: Encodable, Cursor: Encodable>: Encodable {
    let items: [Item]
    let next: Cursor?
}

struct ChangeDocument: Encodable {
    let revision: UInt64
    let changed: Bool
    let dryRun: Bool
    let diff: [Difference]

    init(_ change: Ledger.Change, isDryRun: Bool) {
        revision = change.revision
        changed = change.isChanged
        dryRun = isDryRun
        diff = change.differences
    }
}

struct RevisionDocument: Encodable {
    let number: UInt64
    let at: String
    let who: String
    let why: String
    let kind: String
    let service: String?
    var diff: [Difference]?
    var inEffect: CoverageDocument?

    init(_ revision: Revision) {
        number = revision.number
        at = timeText(revision.at)
        who = revision.who
        why = revision.why
        kind = revision.kind.rawValue
        service = revision.service
    }
}

struct CoverageDocument: Encodable {
    /// The most sidecars that are named one by one.
    private static let nameLimit = 1000

    struct Refused: Encodable {
        let proxy: String
        let type: String
        let revision: UInt64
        let reason: String
    }

    let applied: Int
    let of: Int
    let complete: Bool
    let lagging: [String]
    let refused: [Refused]

    init(_ coverage: Fleet.Coverage) {
        applied = coverage.applied
        of = coverage.of
        complete = coverage.isComplete
        lagging = Array(coverage.lagging.prefix(Self.nameLimit))
        refused = coverage.refused.prefix(Self.nameLimit).map { proxy, refusal in
            Refused(
                proxy: proxy, type: refusal.type, revision: refusal.revision,
                reason: refusal.reason)
        }
    }
}

struct ProxyDocument: Encodable {
    struct Refused: Encodable {
        let type: String
        let revision: UInt64
        let reason: String
    }

    let id: String
    let service: String
    let identity: String?
    let address: String
    let userAgent: String
    let connectedAt: String
    let revision: UInt64?
    let lag: UInt64
    let state: String
    let refusal: Refused?
    var connected: Bool?

    init(_ proxy: Fleet.Proxy, at latest: UInt64) {
        id = proxy.id
        service = proxy.service
        identity = proxy.identity
        address = proxy.address
        userAgent = proxy.userAgent
        connectedAt = timeText(proxy.connectedAt)
        revision = proxy.revision
        lag = latest - min(latest, proxy.revision ?? 0)
        state = proxy.standing(at: latest).rawValue
        refusal = proxy.refusal.map {
            Refused(type: $0.type, revision: $0.revision, reason: $0.reason)
        }
    }
}

struct ProxyListDocument: Encodable {
    let revision: UInt64
    let total: Int
    let items: [ProxyDocument]
    /// The `offset` of the rest; `nil` when there is none.
    let next: Int?
}

struct AppliedDocument: Encodable {
    let revision: UInt64
    let applied: Int
    let of: Int
    let complete: Bool
    let refused: Int

    init(_ coverage: Fleet.Coverage) {
        revision = coverage.revision
        applied = coverage.applied
        of = coverage.of
        complete = coverage.isComplete
        refused = coverage.refused.count
    }
}

struct ProgramDocument: Encodable {
    let name: String
    let version: String
    let revision: UInt64
}
