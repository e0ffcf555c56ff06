/// How much one run may ask for, and how much a server may make it keep.
public enum BenchLimits {
    public static let threads = 1...256
    /// Connections of one target, over all threads.
    public static let connections = 1...65_536
    /// Requests at once on one HTTP/2 connection.
    public static let streams = 1...1000
    /// Requests a second to one target.
    public static let rate = 0.01...5_000_000.0
    public static let requests: ClosedRange<UInt64> = 1...1_000_000_000_000
    public static let longestRun = Duration.seconds(24 * 3600)
    /// Fields given with -H.
    public static let fieldCount = 64
    /// Bytes of a field given with -H.
    public static let fieldByteCount = 8 * 1024
    /// Bytes of the body that every request carries.
    public static let bodyByteCount = 16 * 1024 * 1024
    /// Bytes of a response's head; its body may be of any size, since none of it is kept.
    public static let responseHeadByteCount = 64 * 1024
    /// Values of the version header that are told apart; what comes beyond is counted as one.
    public static let versionCount = 16
    /// Bytes of a version's name.
    public static let versionNameByteCount = 128
    /// Conditions of one run.
    public static let conditionCount = 64
    /// Pieces of the timeline; a longer run gets longer pieces.
    public static let timelineCount = 240
    /// The longest latency that is told apart, in nanoseconds: one hour.
    ///
    /// With three significant digits a histogram is 270 KiB, and there are up to four for each
    /// thread and target and one for each version.
    public static let longestLatency: UInt64 = 3_600_000_000_000
}
