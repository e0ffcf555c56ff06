import Synchronization
import Telemetry

/// What one worker counts of the decisions of one filter, or of several that share a prefix.
final class AccessCounters: Sendable {
    let allowed = Counter()
    let denied = Counter()
    /// What rules that are only tried out would have done.
    let shadowAllowed = Counter()
    let shadowDenied = Counter()
}

/// The same for all filters of a listener, by their prefix.
final class AccessMetrics: Sendable {
    /// Most prefixes; those that find no place are counted together under ``overflowName``.
    static let prefixLimit = 64
    static let overflowName = "overflow"

    private let counters = Mutex<[String: AccessCounters]>([:])

    /// Looked up when a configuration is applied.
    func counters(for prefix: String) -> AccessCounters {
        counters.withLock { counters in
            let hasPlace = counters[prefix] != nil || counters.count < Self.prefixLimit
            let prefix = hasPlace ? prefix : Self.overflowName
            let found = counters[prefix] ?? AccessCounters()
            counters[prefix] = found
            return found
        }
    }

    var all: [String: AccessCounters] { counters.withLock { $0 } }
}

/// The same of all workers.
struct AccessSummary {
    private(set) var allowed: UInt64 = 0
    private(set) var denied: UInt64 = 0
    private(set) var shadowAllowed: UInt64 = 0
    private(set) var shadowDenied: UInt64 = 0

    mutating func add(_ counters: AccessCounters) {
        allowed &+= counters.allowed.value
        denied &+= counters.denied.value
        shadowAllowed &+= counters.shadowAllowed.value
        shadowDenied &+= counters.shadowDenied.value
    }
}
