import Synchronization

/// A number that only grows: one thread adds, any thread reads.
///
/// Adding is a plain load and store, without the locked instruction that several writers would
/// need, so that it costs a hot path no more than an integer does. It wraps beyond 64 bits.
public struct Counter: ~Copyable, Sendable {
    private let storage = Atomic<UInt64>(0)

    public init() {}

    public var value: UInt64 { storage.load(ordering: .relaxed) }

    /// Adds `amount`; only the thread that owns the counter may.
    public func add(_ amount: UInt64 = 1) {
        storage.store(storage.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}

/// A level that rises and falls: one thread writes, any thread reads.
public struct Gauge: ~Copyable, Sendable {
    private let storage = Atomic<Int64>(0)

    public init() {}

    public var value: Int64 { storage.load(ordering: .relaxed) }

    /// Raises the level; only the thread that owns the gauge may.
    public func add(_ amount: Int64 = 1) {
        storage.store(storage.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Lowers the level; only the thread that owns the gauge may.
    public func subtract(_ amount: Int64 = 1) {
        add(0 &- amount)
    }

    /// Sets the level; only the thread that owns the gauge may.
    public func set(_ level: Int64) {
        storage.store(level, ordering: .relaxed)
    }
}
