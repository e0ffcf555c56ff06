/// What a run must not show, all of it.
public struct Judgement: Equatable, Sendable {
    public let conditions: [Condition]
    public let split: ExpectedSplit?

    /// - Parameters:
    ///   - conditions: As they are typed, see ``Condition``.
    ///   - split: As it is typed, see ``ExpectedSplit``.
    ///   - isComparing: Whether there is a second target, of which a figure can be a multiple.
    /// - Throws: ``BenchError``.
    public init(
        conditions: [String], split: String? = nil, isComparing: Bool
    ) throws(BenchError) {
        if conditions.count > BenchLimits.conditionCount {
            throw .condition(conditions[BenchLimits.conditionCount], .tooMany)
        }
        var parsed: [Condition] = []
        for text in conditions {
            let condition = try Condition(parsing: text)
            if condition.needsComparison, !isComparing {
                throw .condition(text, .needsComparison)
            }
            parsed.append(condition)
        }
        self.conditions = parsed
        self.split = try split.map { text throws(BenchError) in try ExpectedSplit(parsing: text) }
    }

    /// What a run shows that it must not, one sentence each.
    public func findings(in result: LoadResult) -> [String] {
        let broken = conditions.filter {
            $0.holds(for: result.subject, comparedWith: result.reference)
        }
        var findings = broken.map { condition in
            let value = condition.metric.text(in: result.subject)
            return "\(condition.text): \(condition.metric.name) is \(value)"
        }
        if split == nil { return findings }
        for recording in result.recordings {
            for share in VersionShare.all(in: recording, expecting: split) where share.isOff {
                findings.append(
                    "version \(share.name) answered \(Decimal.percent(share.observed.share)) of "
                        + "the requests, not \(Decimal.percent(share.expected ?? 0))")
            }
        }
        return findings
    }
}

extension Metric {
    /// The figure as people read it.
    func text(in recording: Recording) -> String {
        let value = value(in: recording)
        return switch unit {
        case .time: Decimal.time(value)
        case .perSecond: Decimal.rate(value) + "/s"
        case .count:
            Decimal.grouped(UInt64(value)) + " (\(Decimal.percent(share(in: recording) ?? 0)))"
        }
    }
}
