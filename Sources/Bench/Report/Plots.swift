import RealModule

extension Plot {
    /// Latency over the share of requests that were no slower; the nearer to all of them, the wider
    /// the axis: from 90 to 99 % is as far as from 99 to 99.9 %.
    static func percentiles(of result: LoadResult) -> Plot {
        var lines: [Line] = []
        if let reference = result.reference {
            lines.append(line("A: \(result.plan.targets[0].url)", "a", result.subject.latency))
            lines.append(line("B: \(result.plan.targets[1].url)", "b", reference.latency))
        } else {
            lines.append(line("from due", "a", result.subject.latency))
            lines.append(line("from sent", "b", result.subject.service))
        }
        let most = result.recordings.map(\.latency.count).max() ?? 1
        let nines = min(max(Double.log10(Double(max(most, 1))).rounded(.up), 2), 7)
        let histograms = result.recordings.flatMap { [$0.latency, $0.service] }
        let axis = latencyAxis(
            least: histograms.map(\.min).min() ?? 0, greatest: histograms.map(\.max).max() ?? 0)
        let labels = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "max"]
        var ticks = (0...Int(nines)).map { Tick(value: Double($0), label: labels[$0]) }
        ticks.insert(Tick(value: Double.log10(2), label: "50 %"), at: 1)
        return Plot(
            title: "Latency by percentile", height: 340, xTicks: ticks, yTicks: axis.ticks,
            xRange: 0...nines, yRange: axis.range, isLogarithmic: true, lines: lines)
    }

    private static func line(_ name: String, _ style: String, _ latency: LatencyHistogram) -> Line {
        let total = Double(max(latency.count, 1))
        var points: [(x: Double, y: Double)] = [(0, Double(latency.min))]
        var seen: UInt64 = 0
        for (value, count) in latency.recordedValues {
            seen += count
            let above = max(total - Double(seen), 0.5)
            let x = Double.log10(total / above)
            // Points that lie on one another add nothing but bytes.
            if let last = points.last, x - last.x < 0.004, seen < latency.count { continue }
            points.append((x, Double(value)))
        }
        return Line(name: name, style: style, points: points)
    }

    /// Latency of the answers in each piece of time.
    static func latencyOverTime(of result: LoadResult) -> Plot {
        var lines: [Line] = []
        for (index, recording) in result.recordings.enumerated() {
            let pieces = recording.timeline.shownPieces(of: recording)
            let prefix = result.recordings.count > 1 ? ["A ", "B "][index] : ""
            let style = ["a", "b"][index]
            func add(_ name: String, _ suffix: String, _ value: (Timeline.Piece) -> UInt64) {
                let points = pieces.filter { $0.piece.latency.count > 0 }.map { shown in
                    (x: shown.middle, y: Double(value(shown.piece)))
                }
                lines.append(Line(name: prefix + name, style: style + suffix, points: points))
            }
            add("p50", " thin") { $0.latency.percentile(50) }
            add("p99", "") { $0.latency.percentile(99) }
            if result.recordings.count == 1 { add("max", " dotted") { $0.longest } }
        }
        let values = lines.flatMap { $0.points.map { UInt64($0.y) } }
        let axis = latencyAxis(least: values.min() ?? 0, greatest: values.max() ?? 0)
        let time = timeAxis(of: result)
        return Plot(
            title: "Latency over time", xTicks: time.ticks, yTicks: axis.ticks,
            xRange: time.range, yRange: axis.range, isLogarithmic: true, lines: lines)
    }

    /// Answers a second in each piece of time, and failures among them.
    static func rateOverTime(at index: Int, _ title: String, in result: LoadResult) -> Plot {
        let recording = result.recordings[index]
        let pieces = recording.timeline.shownPieces(of: recording)
        let answers = pieces.map { shown in
            (x: shown.start, y: Double(shown.piece.latency.count) / shown.seconds)
        }
        let failures = pieces.map { shown in
            (x: shown.start, y: Double(shown.piece.failed) / shown.seconds)
        }
        let most = (answers + failures).map(\.y).max() ?? 1
        let axis = linearAxis(upTo: most) { Decimal.rate($0) }
        let time = timeAxis(of: result)
        var bars = [Line(name: "answers/s", style: ["a", "b"][index], points: answers)]
        if failures.contains(where: { $0.y > 0 }) {
            bars.append(Line(name: "errors/s", style: "bad", points: failures))
        }
        return Plot(
            title: title, height: 200, xTicks: time.ticks, yTicks: axis.ticks, xRange: time.range,
            yRange: axis.range, bars: bars, barWidth: Double(recording.timeline.width) / 1e9)
    }

    private static func timeAxis(
        of result: LoadResult
    ) -> (range: ClosedRange<Double>, ticks: [Tick]) {
        let longest =
            result.recordings.map { recording in
                recording.timeline.shownPieces(of: recording).last.map { $0.start + $0.seconds }
                    ?? 0
            }.max() ?? 0
        let end = max(longest, 0.1)
        let axis = linearAxis(upTo: end) { Decimal.shortest(($0 * 1000).rounded() / 1000) + " s" }
        return (0...end, axis.ticks.filter { $0.value <= end })
    }
}

extension Timeline {
    /// A piece with its place in time, in seconds.
    struct ShownPiece {
        var piece: Piece
        var start: Double
        var seconds: Double
        var middle: Double { start + seconds / 2 }
    }

    /// The pieces of the time in which the load was on; the last one may be shorter.
    ///
    /// A target that rests now and then, because another one has its turn, is shown over all time.
    func shownPieces(of recording: Recording) -> [ShownPiece] {
        let end = max(recording.spanNanoseconds, 1)
        return pieces.enumerated().compactMap { index, piece in
            let start = UInt64(index) * self.width
            if start >= end { return nil }
            let length = min(self.width, end - start)
            // A sliver would show a rate that is chance.
            if length < self.width / 4, index > 0 { return nil }
            return ShownPiece(
                piece: piece, start: Double(start) / 1e9, seconds: Double(length) / 1e9)
        }
    }
}
