/// How much a line of a report wants to be seen.
public enum Emphasis: Equatable, Sendable {
    case none
    case heading
    case faint
    case good
    case warning
    case bad
}

/// One line of a report for people.
public struct ReportLine: Equatable, Sendable {
    public var text: String
    public var emphasis: Emphasis

    init(_ text: String, _ emphasis: Emphasis = .none) {
        self.text = text
        self.emphasis = emphasis
    }
}

/// Writes a result as text for a terminal.
public struct TableReport {
    private let result: LoadResult
    private let expected: ExpectedSplit?
    private var lines: [ReportLine] = []

    static let figures: [Metric] = [
        .percentile(50), .percentile(75), .percentile(90), .percentile(95), .percentile(99),
        .percentile(99.9), .percentile(99.99), .maximum, .mean, .deviation,
    ]

    /// - Parameters:
    ///   - result: What the run has shown.
    ///   - expected: The split that was meant.
    /// - Returns: The lines of the report.
    public static func lines(
        _ result: LoadResult, expecting expected: ExpectedSplit? = nil
    ) -> [ReportLine] {
        var report = TableReport(result: result, expected: expected)
        report.write()
        return report.lines
    }

    private init(result: LoadResult, expected: ExpectedSplit?) {
        self.result = result
        self.expected = expected
    }

    private mutating func write() {
        add(result.plan.summary, .heading)
        if let reference = result.reference {
            add("  A  " + result.plan.targets[0].url)
            add("  B  " + result.plan.targets[1].url)
            writeComparison(with: reference)
        } else {
            writeFigures()
        }
        for (index, recording) in result.recordings.enumerated() {
            let name = result.recordings.count > 1 ? ["A: ", "B: "][index] : ""
            writeOutcome(of: recording, name)
        }
        if case .closed = result.plan.pacing {
            add(
                "Closed loop: while an answer is late, nothing else is asked, so a stall hides."
                    + " For latency give --rate.", .faint)
        }
    }

    private mutating func add(_ text: String, _ emphasis: Emphasis = .none) {
        lines.append(ReportLine(text, emphasis))
    }

    // MARK: Figures

    private mutating func writeFigures() {
        let recording = result.subject
        add(columns(["latency", "from due", "from sent"]), .faint)
        for metric in Self.figures {
            add(
                columns([
                    metric.name, Decimal.time(metric.value(in: recording)),
                    Decimal.time(metric.value(in: recording.service)),
                ]))
        }
        add(rateText(recording))
    }

    private mutating func writeComparison(with reference: Recording) {
        let subject = result.subject
        add(columns(["latency", "A", "B", "A − B", "A ÷ B"]), .faint)
        for metric in Self.figures {
            let (a, b) = (metric.value(in: subject), metric.value(in: reference))
            add(
                columns([
                    metric.name, Decimal.time(a), Decimal.time(b), Decimal.time(a - b),
                    b > 0 ? Decimal.fixed(a / b, 2) : "–",
                ]))
        }
        let (a, b) = (subject.rate, reference.rate)
        add(
            columns([
                "rate /s", Decimal.rate(a), Decimal.rate(b),
                (a < b ? "-" : "") + Decimal.rate(abs(a - b)),
                b > 0 ? Decimal.fixed(a / b, 2) : "–",
            ]))
    }

    private func rateText(_ recording: Recording) -> String {
        let achieved = "\(Decimal.rate(recording.rate)) requests/s"
        guard case .open(let asked, _) = result.plan.pacing else { return achieved }
        return achieved + " of \(Decimal.rate(asked)) asked for"
    }

    private func columns(_ cells: [String]) -> String {
        var line = "  " + padded(cells[0], 9, isRight: false)
        for cell in cells.dropFirst() { line += padded(cell, 13, isRight: true) }
        return line
    }

    private func padded(_ text: String, _ width: Int, isRight: Bool) -> String {
        let padding = String(repeating: " ", count: max(width - text.count, 0))
        return isRight ? padding + text : text + padding
    }

    // MARK: Outcome

    private mutating func writeOutcome(of recording: Recording, _ name: String) {
        let seconds = Double(recording.activeNanoseconds) / 1e9
        let received = Double(recording.receivedByteCount)
        add(
            "\(name)\(Decimal.grouped(recording.answeredCount)) answers in "
                + "\(Decimal.time(recording.activeNanoseconds)), \(Decimal.bytes(received)) in "
                + "(\(Decimal.bytes(seconds > 0 ? received / seconds : 0))/s), "
                + "\(Decimal.bytes(Double(recording.sentByteCount))) out")
        writeErrors(of: recording, name)
        writeVersions(of: recording)
        for doubt in result.doubts(about: recording) {
            add(name + doubt.text, doubt.isSaturation ? .bad : .warning)
        }
    }

    private mutating func writeErrors(of recording: Recording, _ name: String) {
        let statuses = recording.statuses.map { "\($0.status): \(Decimal.grouped($0.count))" }
        if statuses.count > 1 || recording.statuses.first?.status != 200 {
            add("\(name)status " + statuses.joined(separator: ", "))
        }
        var kinds: [String] = Failure.allCases.compactMap { failure in
            let count = recording.count(of: failure)
            return count == 0 ? nil : "\(Decimal.grouped(count)) \(failure.name)"
        }
        for (label, range) in [("4xx", 400..<500), ("5xx", 500..<600), ("beyond", 600..<1000)] {
            let count = recording.count(ofStatuses: range)
            if count > 0 { kinds.append("\(Decimal.grouped(count)) \(label)") }
        }
        if kinds.isEmpty {
            add("\(name)no errors", .good)
        } else {
            add(
                "\(name)\(Decimal.grouped(recording.errorCount)) errors "
                    + "(\(Decimal.percent(recording.errorShare))): "
                    + kinds.joined(separator: ", "), .bad)
        }
    }

    private mutating func writeVersions(of recording: Recording) {
        let shares = VersionShare.all(in: recording, expecting: expected)
        guard result.plan.versionHeader != nil else { return }
        add(columns(["version", "answers", "share", "95 % from", "to", "p50", "p99"]), .faint)
        for share in shares {
            let interval = share.observed.interval(.percent95)
            var line = columns([
                share.name, Decimal.grouped(share.observed.count),
                Decimal.percent(share.observed.share), Decimal.percent(interval.lowerBound),
                Decimal.percent(interval.upperBound),
                share.latency.map { Decimal.time($0.percentile(50)) } ?? "–",
                share.latency.map { Decimal.time($0.percentile(99)) } ?? "–",
            ])
            if share.failedCount > 0 { line += "  \(Decimal.grouped(share.failedCount)) failed" }
            if let expected = share.expected {
                line += "  meant: \(Decimal.percent(expected))" + (share.isOff ? ", off" : "")
            }
            add(line, share.isOff ? .bad : .none)
        }
    }
}

extension Doubt {
    /// The doubt in one sentence without a full stop.
    public var text: String {
        switch self {
        case .generatorBusy(let share):
            "saturated: the generator was busy for \(Decimal.fixed(share * 100, 0)) % of its time; "
                + "give it more --threads or less to do"
        case .late(let p99):
            "saturated: the generator sent 1 % of the requests \(Decimal.time(p99)) late or later"
        case .connectionsBusy(let share):
            "saturated: \(Decimal.percent(share)) of the requests waited for a free connection; "
                + "their waiting is part of the latency"
        case .dropped(let count):
            "dropped: \(Decimal.grouped(count)) requests were due and never sent, for no "
                + "connection was free before the end"
        case .slow(let asked, let achieved):
            "saturated: \(Decimal.rate(achieved)) requests/s where \(Decimal.rate(asked)) were "
                + "asked for"
        case .interrupted: "ended early: somebody interrupted the run"
        }
    }
}

extension LoadPlan {
    /// The plan in one line.
    public var summary: String {
        let name = targets.count == 1 ? "\(request.method) \(targets[0].url): " : ""
        return name + terms
    }

    /// How the load is made, in one line.
    var terms: String {
        var parts: [String] = []
        switch pacing {
        case .closed: parts.append("closed loop")
        case .open(let rate, let arrivals):
            parts.append("\(Decimal.rate(rate)) requests/s, \(arrivals.rawValue) arrivals")
        }
        switch wire {
        case .http1: parts.append("HTTP/1.1, \(Decimal.count(connections, "connection"))")
        case .http2(let streams):
            parts.append(
                "HTTP/2, \(Decimal.count(connections, "connection")) of "
                    + Decimal.count(streams, "stream"))
        }
        if threads > 1 { parts.append("\(threads) threads") }
        switch ending {
        case .after(let duration): parts.append(Decimal.time(Double(nanoseconds: duration)))
        case .requests(let count): parts.append("\(Decimal.grouped(count)) requests")
        }
        if warmUp > .zero {
            parts.append("after \(Decimal.time(Double(nanoseconds: warmUp))) of warm-up")
        }
        return parts.joined(separator: ", ")
    }
}

extension Double {
    init(nanoseconds duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
    }
}
