/// Shares as people read them; the model keeps parts per million.
public enum Share {
    /// `5%`, `0.1%`, `33.3333%`: what `partsPerMillion` is, exactly.
    public static func text(partsPerMillion: Int64) -> String {
        let whole = partsPerMillion / 10_000
        let rest = partsPerMillion % 10_000
        if rest == 0 { return "\(whole)%" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 4 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)%"
    }

    /// Every weight's share of their sum, in parts per million, rounded; none where a weight or the
    /// sum is no number that a split can have.
    public static func partsPerMillion(_ weights: [Double]) -> [Int64] {
        let sum = weights.reduce(0, +)
        if sum <= 0 || !sum.isFinite || weights.contains(where: { $0 < 0 }) {
            return weights.map { _ in 0 }
        }
        return weights.map { Int64(($0 / sum * 1_000_000).rounded()) }
    }
}
