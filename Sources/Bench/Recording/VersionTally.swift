import Bytes

/// Which version answered how often, told apart by a response field.
public struct VersionTally: Sendable {
    public struct Entry: Sendable {
        public var name: [UInt8]
        public var latency = LatencyHistogram()
        public var failed: UInt64 = 0

        public var text: String { String(decoding: name, as: UTF8.self) }
        public var count: UInt64 { latency.count }
    }

    /// Versions in the order in which they first answered; at most ``BenchLimits/versionCount``.
    public private(set) var entries: [Entry] = []
    /// Answers without the field.
    public private(set) var unnamedCount: UInt64 = 0
    /// Answers of versions beyond the limit.
    public private(set) var otherCount: UInt64 = 0

    public init() {}

    /// Which entry a version has.
    public enum Slot: Equatable, Sendable {
        case entry(Int)
        case unnamed
        case other
    }

    /// Finds the version, or makes an entry for it, which is the only time memory is taken.
    mutating func slot(of name: Span<UInt8>) -> Slot {
        for index in entries.indices where Self.same(entries[index].name, name) {
            return .entry(index)
        }
        if entries.count == BenchLimits.versionCount
            || name.count > BenchLimits.versionNameByteCount
        {
            return .other
        }
        entries.append(Entry(name: [UInt8](name)))
        return .entry(entries.count - 1)
    }

    mutating func record(_ latency: UInt64, failed: Bool, in slot: Slot) {
        switch slot {
        case .entry(let index):
            entries[index].latency.record(latency)
            if failed { entries[index].failed += 1 }
        case .unnamed: unnamedCount += 1
        case .other: otherCount += 1
        }
    }

    mutating func add(_ tally: VersionTally) {
        unnamedCount += tally.unnamedCount
        otherCount += tally.otherCount
        for entry in tally.entries {
            switch slot(of: entry.name.span) {
            case .entry(let index):
                entries[index].latency.add(entry.latency)
                entries[index].failed += entry.failed
            case .unnamed, .other: otherCount += entry.count
            }
        }
    }

    private static func same(_ name: [UInt8], _ bytes: Span<UInt8>) -> Bool {
        if name.count != bytes.count { return false }
        for index in bytes.indices where name[index] != bytes[index] { return false }
        return true
    }
}
