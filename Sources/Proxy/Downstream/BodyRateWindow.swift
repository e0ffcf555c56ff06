import Kernel

/// A request body has to arrive at a least rate, measured over windows, so that a slow sender
/// cannot hold an upstream for ever.
struct BodyRateWindow {
    static let nanoseconds: UInt64 = 30_000_000_000
    /// 500 bytes a second.
    static let leastByteCount = 15_000

    let deadline: Instant
    private var byteCount = 0

    init(start: Instant) {
        deadline = start.after(Self.nanoseconds)
    }

    mutating func add(_ count: Int) {
        byteCount += count
    }

    var isFastEnough: Bool { byteCount >= Self.leastByteCount }
}
