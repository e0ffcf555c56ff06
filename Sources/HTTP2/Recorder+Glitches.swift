import CNGHTTP2

/// What counts against a peer.
extension Recorder {
    /// Counts what may happen, and ends the connection when it happens too often.
    func count(_ glitch: Glitch) {
        note(glitch)
        if glitches.spend() { return }
        failure = .flooded
        if lastStraw == nil { lastStraw = glitch }
    }

    /// - Returns: Whether the head may go on.
    func beganContinuation() -> Bool {
        continuationCount += 1
        if continuationCount <= limits.continuationCount { return true }
        note(.continuation)
        lastStraw = .continuation
        failure = .flooded
        return false
    }

    func sentGoAway(_ code: UInt32) {
        if code == NGHTTP2_NO_ERROR.rawValue { return }
        note(.connectionError)
        // For one thing nghttp2 says that by itself: SETTINGS with too many entries.
        if code == NGHTTP2_ENHANCE_YOUR_CALM.rawValue, lastStraw == nil { lastStraw = .settings }
    }

    /// - Parameters:
    ///   - code: Why.
    ///   - closer: `us` where it was no doing of the peer's.
    func sentReset(_ code: UInt32, by closer: Session.Closer?) {
        if code == NGHTTP2_PROTOCOL_ERROR.rawValue { note(.malformedMessage) }
        if isServer, closer != .us { count(.resetSent) }
    }
}
