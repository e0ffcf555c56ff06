/// Something that a run must not show, such as `p99>5ms`.
public struct Condition: Equatable, Sendable {
    public enum Relation: String, CaseIterable, Sendable {
        case above = ">"
        case atLeast = ">="
        case below = "<"
        case atMost = "<="
    }

    public enum Bound: Equatable, Sendable {
        /// Nanoseconds, answers a second, or a number.
        case value(Double)
        /// Of all requests, from 0 to 1.
        case share(Double)
        /// So many times what the target shows that the run is compared with.
        case multiple(Double)
    }

    /// As it was typed.
    public let text: String
    public let metric: Metric
    public let relation: Relation
    public let bound: Bound

    /// Reads `METRIC OPERATOR VALUE`, with or without spaces.
    ///
    /// A value is a time (`5ms`, `800us`, `1.5s`), a share (`0.1%`), a number, or a multiple of the
    /// compared target's figure (`1.5x`).
    ///
    /// - Throws: ``BenchError/condition(_:_:)``.
    public init(parsing text: String) throws(BenchError) {
        self.text = text
        let dense = text.filter { $0 != " " }
        guard let start = dense.firstIndex(where: { "<>".contains($0) }) else {
            throw .condition(text, .malformed)
        }
        var rest = dense[start...].dropFirst()
        let isInclusive = rest.first == "="
        if isInclusive { rest = rest.dropFirst() }
        if dense[start] == ">" {
            relation = isInclusive ? .atLeast : .above
        } else {
            relation = isInclusive ? .atMost : .below
        }
        if rest.isEmpty || rest.contains(where: { "<>=".contains($0) }) {
            throw .condition(text, .malformed)
        }
        guard let metric = Metric(parsing: dense[..<start]) else {
            throw .condition(text, .metric(String(dense[..<start])))
        }
        self.metric = metric
        do throws(BenchError.ConditionFault) {
            bound = try Self.bound(rest, for: metric)
        } catch {
            throw .condition(text, error)
        }
    }

    private static func bound(
        _ text: Substring, for metric: Metric
    ) throws(BenchError.ConditionFault) -> Bound {
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        guard let number = Decimal.parse(digits) else { throw .value(String(text)) }
        let suffix = String(text[digits.endIndex...])
        if suffix == "x" { return .multiple(number) }
        switch metric.unit {
        case .time:
            let scales = ["ns": 1.0, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9]
            guard let scale = scales[suffix] else {
                throw .unit(metric: metric.name, expected: "a time such as 5ms")
            }
            return .value(number * scale)
        case .perSecond:
            guard suffix.isEmpty || suffix == "/s" else {
                throw .unit(metric: metric.name, expected: "a number a second such as 3900")
            }
            return .value(number)
        case .count:
            if suffix == "%" { return .share(number / 100) }
            guard suffix.isEmpty else {
                throw .unit(metric: metric.name, expected: "a number or a share such as 0.1%")
            }
            return .value(number)
        }
    }

    public var needsComparison: Bool {
        if case .multiple = bound { true } else { false }
    }

    /// Whether the run shows what it must not.
    ///
    /// - Parameters:
    ///   - subject: What the condition is about.
    ///   - reference: What a multiple is taken of; without it, no multiple is ever shown.
    /// - Returns: Whether it does.
    public func holds(for subject: Recording, comparedWith reference: Recording?) -> Bool {
        let value: Double
        let limit: Double
        switch bound {
        case .value(let number): (value, limit) = (metric.value(in: subject), number)
        case .share(let share): (value, limit) = (metric.share(in: subject) ?? 0, share)
        case .multiple(let factor):
            guard let reference else { return false }
            (value, limit) = (
                metric.value(in: subject), metric.value(in: reference) * factor
            )
        }
        return switch relation {
        case .above: value > limit
        case .atLeast: value >= limit
        case .below: value < limit
        case .atMost: value <= limit
        }
    }
}
