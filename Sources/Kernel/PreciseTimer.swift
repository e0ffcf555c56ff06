import CLinux

/// One point in time that makes a descriptor readable (timerfd_create(2)), to the nanosecond that
/// the kernel is capable of; for loops whose own timers, to the millisecond, are too coarse.
public struct PreciseTimer: ~Copyable {
    public let descriptor: FileDescriptor

    /// - Throws: What timerfd_create(2) reports.
    public init() throws(Errno) {
        descriptor = FileDescriptor(owning: try Errno.check { pointsman_make_timer() })
    }

    /// Makes the descriptor readable at `deadline`, and unreadable until then.
    ///
    /// - Parameter deadline: At once when it has passed; never when `nil`.
    public func set(at deadline: Instant?) {
        // Zero stops the timer.
        let nanoseconds = deadline.map { max($0.nanoseconds, 1) } ?? 0
        _ = pointsman_set_timer(descriptor.rawValue, nanoseconds)
    }
}
