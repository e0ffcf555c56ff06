import RealModule

/// Random numbers that the same seed gives again (SplitMix64), for schedules; never for secrets.
public struct RandomSource: RandomNumberGenerator, Equatable, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word &>> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word &>> 31)
    }

    /// An exponential variate with mean 1.
    mutating func exponential() -> Double {
        // 53 bits from (0, 1]: the logarithm of zero is not one.
        let word: UInt64 = next()
        let uniform = Double((word &>> 11) + 1) * 0x1p-53
        return -Double.log(uniform)
    }
}
