/// How the requests of a route are shared between versions, in parts per million that sum to one
/// million.
public struct Split: Equatable, Sendable {
    public struct Share: Equatable, Sendable {
        public let version: String
        public let partsPerMillion: UInt32
    }

    public static let whole: UInt32 = 1_000_000

    /// In the order of the versions' names, each once, also those that get nothing.
    public let shares: [Share]

    /// Scales weights to parts per million by the method of the largest remainder.
    ///
    /// Parts that are left over go to the largest remainders; of equal ones to the first name.
    ///
    /// - Parameters:
    ///   - weights: By name of the version.
    ///   - versions: All versions of the service; those without a weight get nothing.
    /// - Throws: ``MeshError`` with the version as its path, when the service has no such version
    ///   or a weight that is not zero would come to less than one part per million; without a path
    ///   when all weights are zero.
    public init(_ weights: [String: Weight], of versions: Set<String>) throws(MeshError) {
        for name in weights.keys.sorted() where !versions.contains(name) {
            throw MeshError(name, "the service has no version of this name")
        }
        let sum = weights.values.reduce(UInt128(0)) { $0 + $1.units }
        if sum == 0 { throw MeshError("", "at least one weight must be more than zero") }

        let names = versions.sorted()
        var parts: [UInt32] = []
        var remainders: [(remainder: UInt128, position: Int)] = []
        for (position, name) in names.enumerated() {
            let scaled = (weights[name]?.units ?? 0) * UInt128(Self.whole)
            let (quotient, remainder) = scaled.quotientAndRemainder(dividingBy: sum)
            parts.append(UInt32(quotient))
            remainders.append((remainder, position))
        }
        remainders.sort { one, other in
            if one.remainder != other.remainder { return one.remainder > other.remainder }
            return one.position < other.position
        }
        let missing = Int(Self.whole - parts.reduce(0, +))
        for entry in remainders.prefix(missing) { parts[entry.position] += 1 }

        for (name, part) in zip(names, parts) where part == 0 && (weights[name]?.units ?? 0) > 0 {
            throw MeshError(name, "is less than one part per million of the sum; use 0 or more")
        }
        shares = zip(names, parts).map { Share(version: $0, partsPerMillion: $1) }
    }
}
