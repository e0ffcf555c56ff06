import Kernel

/// How long a peer lets a connection be idle before it closes it, as far as it has been seen.
///
/// A request that arrives just as its connection is closed is lost, and whether the peer has acted
/// on it cannot be known (RFC 9112 §9.3.1). So one that must not be sent twice goes only over
/// connections that have been idle for much less than the peer has ever closed one after.
struct PeerPatience {
    /// How long what was seen is remembered: a peer that only started anew closes all at once, and
    /// should not cost a connection for each request for long.
    static let memory = Duration.seconds(10)
    /// What a request needs to get to a peer, with much to spare.
    static let marginNanoseconds: UInt64 = 5_000_000

    private var shortestNanoseconds = UInt64.max
    private var forgottenAt = Instant(nanoseconds: 0)

    /// Learns that a connection was closed after that time without a request.
    mutating func closed(after nanoseconds: UInt64, now: Instant) {
        let known = now < forgottenAt ? shortestNanoseconds : .max
        shortestNanoseconds = min(known, nanoseconds)
        forgottenAt = now + Self.memory
    }

    /// Whether the peer will surely not close a connection now that has been idle that long.
    func outlasts(_ idleNanoseconds: UInt64, now: Instant) -> Bool {
        if now >= forgottenAt { return true }
        return idleNanoseconds &+ Self.marginNanoseconds < shortestNanoseconds / 2
    }
}
