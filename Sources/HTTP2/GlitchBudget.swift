/// A bucket of tokens that frames without content draw from.
struct GlitchBudget {
    private let burst: UInt64
    private let perSecond: UInt64
    /// In thousandths, so that short intervals count too.
    private var thousandths: UInt64
    private var refilledAt: UInt64?

    init(burst: UInt64, perSecond: UInt64) {
        self.burst = min(burst, 1_000_000)
        self.perSecond = min(perSecond, 1_000_000)
        thousandths = self.burst * 1000
    }

    /// Adds what has grown back since the last call.
    mutating func refill(nowNanoseconds: UInt64) {
        let last = refilledAt ?? nowNanoseconds
        refilledAt = max(last, nowNanoseconds)
        // An hour fills any bucket, and keeps the product within 64 bits.
        let elapsed = min(nowNanoseconds > last ? nowNanoseconds - last : 0, 3_600_000_000_000)
        let grown = elapsed / 1000 * perSecond / 1000
        if grown == 0, perSecond > 0 { refilledAt = last }
        thousandths = min(burst * 1000, thousandths + grown)
    }

    /// - Returns: Whether there was a token left.
    mutating func spend() -> Bool {
        if thousandths < 1000 { return false }
        thousandths -= 1000
        return true
    }
}
