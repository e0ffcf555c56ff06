/// What a run has shown.
public struct LoadResult: Sendable {
    public let plan: LoadPlan
    /// One for each target of the plan.
    public let recordings: [Recording]
    public let startNanosecondsSinceEpoch: UInt64
    /// The part of its time that the busiest thread was on a processor, from 0 to 1.
    public let busyShare: Double
    /// Whether somebody ended the run before its time.
    public let isInterrupted: Bool

    /// What was seen of the target that the run is about.
    public var subject: Recording { recordings[0] }
    /// What was seen of the target that it is compared with.
    public var reference: Recording? { recordings.count > 1 ? recordings[1] : nil }
}
