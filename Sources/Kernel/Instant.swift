import Glibc

/// A point on the monotonic clock (CLOCK_MONOTONIC), which no change of the date can move.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary start, the same for all threads of the process.
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Reads the clock; the loop does so once per turn and passes the value down.
    public static func now() -> Instant {
        Instant(nanoseconds: readClock(CLOCK_MONOTONIC))
    }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds &+ duration.wholeNanoseconds)
    }

    /// The time from `earlier` to here; zero when `earlier` is not earlier.
    public func nanoseconds(since earlier: Instant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

extension Duration {
    /// Nanoseconds, zero for a negative duration and at most about 292 years.
    public var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        let bounded = UInt64(min(seconds, 9_000_000_000))
        return bounded * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}

/// The date, for logs and certificates; never for timers.
public struct WallClock: Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public static func nanosecondsSinceEpoch() -> UInt64 {
        readClock(CLOCK_REALTIME)
    }
}

private func readClock(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}
