import Bytes
import Mesh

/// Finds the first of many routes whose path matches, at the cost of the path and not of the
/// routes.
///
/// Plain paths and prefixes are hashed, one chain of routes for each text; what cannot be hashed
/// (expressions, letters of either case) is walked. Of all chains the lowest route number that
/// meets the other conditions too is the first match.
struct PathIndex: Sendable {
    /// What a virtual host has: parts of the lists of all hosts.
    struct Host: Sendable {
        var lengths: Range<Int>
        var unindexed: Range<Int>
        var hasExact: Bool
    }

    static var none: UInt32 { .max }

    private(set) var hosts: [Host] = []
    private var exact: ByteTable
    private var prefixes: ByteTable
    /// Lengths of the prefixes of a host, shortest first, each once.
    private(set) var lengths: [Int] = []
    private(set) var unindexed: [UInt32] = []
    /// By route: the next one with the same text.
    private(set) var next: [UInt32]

    init(routeCount: Int) {
        exact = ByteTable(count: routeCount)
        prefixes = ByteTable(count: routeCount)
        next = Array(repeating: Self.none, count: routeCount)
    }

    /// Adds the routes of the next virtual host; their numbers rise in order of precedence.
    mutating func addHost(_ paths: [PathTest], firstRoute: UInt32, text: Text) {
        let scope = UInt32(clamping: hosts.count)
        let unindexedStart = unindexed.count
        var found: Set<Int> = []
        var hasExact = false
        // Last to first, so that each chain begins with its lowest number.
        for (offset, path) in paths.enumerated().reversed() {
            let route = firstRoute + UInt32(clamping: offset)
            switch path.kind {
            case .exact where !path.ignoresCase:
                hasExact = true
                add(route, path, to: \.exact, scope: scope, text: text)
            case .prefix where !path.ignoresCase, .separatedPrefix where !path.ignoresCase:
                found.insert(Int(path.text.count))
                add(route, path, to: \.prefixes, scope: scope, text: text)
            case .exact, .prefix, .separatedPrefix, .regex:
                unindexed.append(route)
            }
        }
        unindexed[unindexedStart...].reverse()
        let lengthsStart = lengths.count
        lengths += found.sorted()
        hosts.append(
            Host(
                lengths: lengthsStart..<lengths.count,
                unindexed: unindexedStart..<unindexed.count, hasExact: hasExact))
    }

    /// The lowest route of the host whose path is `path`; ``none`` when there is none.
    func firstExact(
        _ path: Span<UInt8>, hash: UInt64, host: UInt32, text: borrowing Text
    ) -> UInt32 {
        exact.find(path, hash: hash, scope: host, text: text) ?? Self.none
    }

    /// The lowest route of the host whose prefix is `prefix`; ``none`` when there is none.
    func firstPrefix(
        _ prefix: Span<UInt8>, hash: UInt64, host: UInt32, text: borrowing Text
    ) -> UInt32 {
        prefixes.find(prefix, hash: hash, scope: host, text: text) ?? Self.none
    }

    private mutating func add(
        _ route: UInt32, _ path: PathTest, to table: WritableKeyPath<PathIndex, ByteTable>,
        scope: UInt32, text: Text
    ) {
        var prefix = PrefixHash(scope: scope)
        let hash = prefix.value(of: text[path.text], length: Int(path.text.count))
        next[Int(route)] =
            self[keyPath: table].replace(
                with: route, hash: hash, scope: scope, key: path.text, text: text) ?? Self.none
    }
}
