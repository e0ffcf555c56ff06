/// How often one identity may ask for a certificate.
///
/// All workloads of a service share its identity, so that a hundred of them may come at once.
struct IssueRate {
    static let burst = 100.0
    static let perSecond = 10.0
    /// Most identities that are remembered; who has not asked for a while is not.
    static let identityLimit = 10_000

    private struct Bucket {
        var level: Double
        var time: Duration
    }

    private var buckets: [String: Bucket] = [:]

    /// Takes one from what the identity has left.
    ///
    /// - Returns: Whether there was one.
    mutating func take(_ identity: String, at time: Duration) -> Bool {
        if buckets[identity] == nil, buckets.count >= Self.identityLimit { forgetFull(at: time) }
        var bucket = buckets[identity] ?? Bucket(level: Self.burst, time: time)
        bucket.level = Self.level(of: bucket, at: time)
        bucket.time = time
        let isThere = bucket.level >= 1
        if isThere { bucket.level -= 1 }
        // Beyond the limit nobody is told from the others, and all are let through.
        if buckets[identity] != nil || buckets.count < Self.identityLimit {
            buckets[identity] = bucket
        }
        return isThere
    }

    private mutating func forgetFull(at time: Duration) {
        buckets = buckets.filter { Self.level(of: $0.value, at: time) < Self.burst }
    }

    private static func level(of bucket: Bucket, at time: Duration) -> Double {
        min(burst, bucket.level + (time - bucket.time) / .seconds(1) * perSecond)
    }
}
