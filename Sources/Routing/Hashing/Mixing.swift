/// Spreads `value` over all 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed &>> 31)
}

/// The number at `index` of the sequence of random numbers that `seed` begins.
func random(_ seed: UInt64, _ index: UInt64) -> UInt64 {
    mixed(seed &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15)
}

/// Brings a number that is uniform in 64 bits to 0..<`bound`, uniform up to 2⁻⁶⁴.
func scaled(_ uniform: UInt64, to bound: UInt64) -> UInt64 {
    uniform.multipliedFullWidth(by: bound).high
}
