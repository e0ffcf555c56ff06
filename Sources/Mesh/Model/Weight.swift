/// A weight as a user writes it: a non-negative decimal, kept exactly.
///
/// Below 10¹², with at most 18 digits after the point, so that sums and products of weights fit.
public struct Weight: Hashable, Sendable {
    /// In units of 10⁻¹⁸.
    let units: UInt128

    private static let wholeDigitLimit = 12
    private static let fractionDigitLimit = 18

    public init(_ whole: UInt32) {
        units = UInt128(whole) * 1_000_000_000_000_000_000
    }

    /// Reads a decimal such as `5`, `0.25` or `33.3334`: digits, perhaps a point and more digits.
    ///
    /// - Throws: ``MeshError`` when it is anything else, or has more digits than are kept.
    public init(parsing text: String) throws(MeshError) {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts[0]
        let fraction = parts.count > 1 ? parts[1] : Substring("0").utf8
        let isDecimal =
            !whole.isEmpty && !fraction.isEmpty
            && whole.allSatisfy(\.isDigit) && fraction.allSatisfy(\.isDigit)
        if !isDecimal {
            throw MeshError("", "\"\(text)\" is not a decimal of zero or more")
        }
        let significant = whole.drop { $0 == UInt8(ascii: "0") }
        if significant.count > Self.wholeDigitLimit {
            throw MeshError("", "must be less than 10 to the power of \(Self.wholeDigitLimit)")
        }
        if fraction.count > Self.fractionDigitLimit {
            throw MeshError("", "has more than \(Self.fractionDigitLimit) digits after the point")
        }
        var units: UInt128 = 0
        for digit in significant { units = units * 10 + UInt128(digit - UInt8(ascii: "0")) }
        for digit in fraction { units = units * 10 + UInt128(digit - UInt8(ascii: "0")) }
        for _ in fraction.count..<Self.fractionDigitLimit { units *= 10 }
        self.units = units
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
