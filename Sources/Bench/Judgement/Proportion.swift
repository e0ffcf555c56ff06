/// A share that was observed, and where the true one is likely to lie.
public struct Proportion: Equatable, Sendable {
    public let count: UInt64
    public let total: UInt64

    public init(_ count: UInt64, of total: UInt64) {
        self.count = count
        self.total = total
    }

    public var share: Double { total == 0 ? 0 : Double(count) / Double(total) }

    /// How sure an interval is, as the quantile of the normal distribution.
    public enum Confidence: Double, Sendable {
        case percent95 = 1.959_963_984_540_054
        case percent99Point9 = 3.290_526_731_491_926
    }

    /// Wilson's score interval, which holds for small shares and small numbers as well.
    ///
    /// It supposes that each request draws its version by itself; a split that is exact by design
    /// stays well inside.
    public func interval(_ confidence: Confidence) -> ClosedRange<Double> {
        if total == 0 { return 0...1 }
        let n = Double(total)
        let z = confidence.rawValue
        let denominator = 1 + z * z / n
        let centre = (share + z * z / (2 * n)) / denominator
        let spread = (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        let half = z * spread / denominator
        return max(centre - half, 0)...min(centre + half, 1)
    }
}

/// The shares that versions are meant to have: `v1=95,v2=5`.
public struct ExpectedSplit: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var version: String
        /// From 0 to 1; all of them sum to 1.
        public var share: Double
    }

    public let entries: [Entry]

    /// Reads `VERSION=WEIGHT` pairs with commas between; a weight counts as its share of the sum.
    ///
    /// - Throws: ``BenchError/option(name:value:expected:)``.
    public init(parsing text: String) throws(BenchError) {
        let fault = BenchError.option(
            name: "--expect", value: text, expected: "VERSION=WEIGHT pairs such as v1=95,v2=5")
        var entries: [Entry] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let equals = part.lastIndex(of: "="), equals > part.startIndex else {
                throw fault
            }
            var digits = part[part.index(after: equals)...]
            if digits.last == "%" { digits.removeLast() }
            guard let weight = Decimal.parse(digits) else { throw fault }
            let version = String(part[..<equals])
            if entries.contains(where: { $0.version == version }) { throw fault }
            entries.append(Entry(version: version, share: weight))
        }
        let sum = entries.reduce(0) { $0 + $1.share }
        if entries.count > BenchLimits.versionCount || sum <= 0 || !sum.isFinite { throw fault }
        self.entries = entries.map { Entry(version: $0.version, share: $0.share / sum) }
    }
}

/// How one version fared, beside what was meant.
public struct VersionShare: Sendable {
    public var name: String
    public var observed: Proportion
    /// `nil` when nothing was said about shares.
    public var expected: Double?
    public var latency: LatencyHistogram?
    public var failedCount: UInt64

    /// Whether what was meant is so far from what was seen that chance explains it once in a
    /// thousand runs at most.
    public var isOff: Bool {
        guard let expected else { return false }
        return !observed.interval(.percent99Point9).contains(expected)
    }

    /// The versions of a recording, and those that were expected and never answered.
    public static func all(
        in recording: Recording, expecting expected: ExpectedSplit?
    ) -> [VersionShare] {
        let tally = recording.versions
        let total =
            tally.entries.reduce(0) { $0 + $1.count } + tally.unnamedCount
            + tally.otherCount
        func share(of name: String) -> Double? {
            expected.map { split in
                split.entries.first { $0.version == name }?.share ?? 0
            }
        }
        var shares = tally.entries.map { entry in
            VersionShare(
                name: entry.text, observed: Proportion(entry.count, of: total),
                expected: share(of: entry.text), latency: entry.latency,
                failedCount: entry.failed)
        }
        for entry in expected?.entries ?? []
        where !shares.contains(where: { $0.name == entry.version }) {
            shares.append(
                VersionShare(
                    name: entry.version, observed: Proportion(0, of: total),
                    expected: entry.share, latency: nil, failedCount: 0))
        }
        shares.sort { $0.name < $1.name }
        for (name, count) in [("(none)", tally.unnamedCount), ("(others)", tally.otherCount)]
        where count > 0 {
            shares.append(
                VersionShare(
                    name: name, observed: Proportion(count, of: total), expected: nil,
                    latency: nil, failedCount: 0))
        }
        return shares
    }
}
