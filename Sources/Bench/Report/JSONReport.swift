import Bytes
import Telemetry

/// Writes a result as JSON: fortio's keys and units (seconds) where fortio has them, and what it
/// has no words for under `Pointsman`.
public enum JSONReport {
    static let percentiles = [50, 75, 90, 95, 99, 99.9, 99.99]

    /// - Parameters:
    ///   - result: What the run has shown.
    ///   - expected: The split that was meant.
    ///   - version: Of the program, for the `Version` key.
    /// - Returns: One JSON object; of two targets, the second is whole under `Comparison`.
    public static func text(
        _ result: LoadResult, expecting expected: ExpectedSplit?, version: String
    ) -> String {
        var json = JSONText()
        json.object { json in
            write(result, at: 0, version, to: &json)
            own(result, at: 0, expected, to: &json)
            guard let reference = result.reference else { return }
            json.object("Comparison") { json in
                json.object("Ratios") { json in
                    for metric in TableReport.figures + [.rate] {
                        let bottom = metric.value(in: reference)
                        let ratio = metric.value(in: result.subject) / bottom
                        json.member(metric.name, ratio)
                    }
                }
                write(result, at: 1, version, to: &json)
                own(result, at: 1, expected, to: &json)
            }
        }
        return json.text
    }

    private static func write(
        _ result: LoadResult, at index: Int, _ version: String, to json: inout JSONText
    ) {
        let plan = result.plan
        let recording = result.recordings[index]
        json.member("RunType", "HTTP")
        json.member("Labels", "pointsman bench")
        json.member("StartTime", timestamp(result.startNanosecondsSinceEpoch))
        if case .open(let rate, _) = plan.pacing {
            json.member("RequestedQPS", Decimal.shortest(rate))
        } else {
            json.member("RequestedQPS", "max")
        }
        switch plan.ending {
        case .after(let duration):
            json.member("RequestedDuration", Decimal.goDuration(duration))
            json.member("Exactly", 0 as UInt64)
        case .requests(let count):
            json.member("RequestedDuration", "exactly \(count) calls")
            json.member("Exactly", count)
        }
        json.member("ActualQPS", recording.rate)
        json.member("ActualDuration", recording.activeNanoseconds)
        json.member("NumThreads", UInt64(plan.concurrency))
        json.member("Version", "pointsman \(version)")
        histogram("DurationHistogram", recording.latency, to: &json)
        histogram("ErrorsDurationHistogram", recording.failedLatency, to: &json)
        json.object("RetCodes") { json in
            for (status, count) in recording.statuses { json.member(String(status), count) }
            // What has no status is -1 there.
            let failed = Failure.allCases.reduce(0) { $0 + recording.count(of: $1) }
            if failed > 0 { json.member("-1", failed) }
        }
        json.member("URL", plan.targets[index].url)
        json.member("NumConnections", UInt64(plan.connections))
        json.member("H2", plan.wire != .http1)
        json.member("MethodOverride", plan.request.method)
        json.member("SocketCount", recording.connectTime.count)
        histogram("ConnectionStats", recording.connectTime, to: &json)
        json.member("BytesSent", recording.sentByteCount)
        json.member("BytesReceived", recording.receivedByteCount)
    }

    /// What fortio has no words for.
    private static func own(
        _ result: LoadResult, at index: Int, _ expected: ExpectedSplit?, to json: inout JSONText
    ) {
        let plan = result.plan
        let recording = result.recordings[index]
        json.object("Pointsman") { json in
            if case .open(_, let arrivals) = plan.pacing {
                json.member("Loop", "open")
                json.member("Arrivals", arrivals.rawValue)
            } else {
                json.member("Loop", "closed")
            }
            json.member("Threads", UInt64(plan.threads))
            json.member("WarmUp", Double(nanoseconds: plan.warmUp) / 1e9)
            histogram("ServiceHistogram", recording.service, to: &json)
            json.object("Errors") { json in
                for failure in Failure.allCases {
                    json.member(failure.name, recording.count(of: failure))
                }
                json.member("4xx", recording.count(ofStatuses: 400..<500))
                json.member("5xx", recording.count(ofStatuses: 500..<600))
                json.member("Total", recording.errorCount)
                json.member("Share", recording.errorShare)
            }
            histogram("LatenessHistogram", recording.lateness, to: &json)
            json.member("Dropped", recording.droppedCount)
            json.member("Waited", recording.waitedCount)
            json.member("GeneratorBusy", result.busyShare)
            json.member(
                "Saturated", result.doubts(about: recording).contains(where: \.isSaturation))
            json.member("Interrupted", result.isInterrupted)
            json.array("Doubts") { json in
                for doubt in result.doubts(about: recording) { json.element(doubt.text) }
            }
            if plan.versionHeader != nil { versions(recording, expected, to: &json) }
            timeline(recording.timeline, to: &json)
        }
    }

    private static func versions(
        _ recording: Recording, _ expected: ExpectedSplit?, to json: inout JSONText
    ) {
        json.array("Versions") { json in
            for share in VersionShare.all(in: recording, expecting: expected) {
                let interval = share.observed.interval(.percent95)
                json.object { json in
                    json.member("Version", share.name)
                    json.member("Count", share.observed.count)
                    json.member("Failed", share.failedCount)
                    json.member("Share", share.observed.share)
                    json.member("Low95", interval.lowerBound)
                    json.member("High95", interval.upperBound)
                    if let expected = share.expected {
                        json.member("Expected", expected)
                        json.member("Off", share.isOff)
                    }
                    if let latency = share.latency {
                        json.member("P50", Double(latency.percentile(50)) / 1e9)
                        json.member("P99", Double(latency.percentile(99)) / 1e9)
                    }
                }
            }
        }
    }

    private static func timeline(_ timeline: Timeline, to json: inout JSONText) {
        json.member("TimelineInterval", Double(timeline.width) / 1e9)
        json.array("Timeline") { json in
            for piece in timeline.pieces {
                json.object { json in
                    json.member("Count", piece.latency.count)
                    json.member("Failed", piece.failed)
                    json.member("P50", Double(piece.latency.percentile(50)) / 1e9)
                    json.member("P99", Double(piece.latency.percentile(99)) / 1e9)
                    json.member("Max", Double(piece.longest) / 1e9)
                }
            }
        }
    }

    private static func histogram(
        _ key: String, _ histogram: LatencyHistogram, to json: inout JSONText
    ) {
        json.object(key) { json in
            json.member("Count", histogram.count)
            json.member("Min", Double(histogram.min) / 1e9)
            json.member("Max", Double(histogram.max) / 1e9)
            json.member("Sum", Double(histogram.total) / 1e9)
            json.member("Avg", histogram.mean / 1e9)
            json.member("StdDev", histogram.standardDeviation / 1e9)
            json.array("Data") { json in
                for bar in Bar.all(of: histogram) {
                    json.object { json in
                        json.member("Start", Double(bar.start) / 1e9)
                        json.member("End", Double(bar.end) / 1e9)
                        json.member("Percent", bar.percentUpToEnd)
                        json.member("Count", bar.count)
                    }
                }
            }
            json.array("Percentiles") { json in
                if histogram.count == 0 { return }
                for percent in percentiles {
                    json.object { json in
                        json.member("Percentile", percent)
                        json.member("Value", Double(histogram.percentile(percent)) / 1e9)
                    }
                }
            }
        }
    }

    /// As RFC 3339 §5.6 has it.
    static func timestamp(_ nanosecondsSinceEpoch: UInt64) -> String {
        var text = Buffer()
        Timestamp(unixMilliseconds: nanosecondsSinceEpoch / 1_000_000).append(to: &text)
        return String(text.bytes)
    }
}

/// A bar of a histogram that is coarse enough to be drawn: ten a decade.
struct Bar: Equatable {
    /// In nanoseconds, from the least latency in it to the greatest.
    var start: UInt64
    var end: UInt64
    var count: UInt64
    /// How many percent of all latencies do not exceed ``end``.
    var percentUpToEnd: Double

    static func all(of histogram: LatencyHistogram) -> [Bar] {
        var bars: [Bar] = []
        var seen: UInt64 = 0
        var limit: UInt64 = 0
        for (value, count) in histogram.recordedValues {
            seen += count
            let percent = Double(seen) / Double(max(histogram.count, 1)) * 100
            if value > limit || bars.isEmpty {
                limit = Self.limit(above: value)
                let start = bars.last?.end ?? min(histogram.min, value)
                bars.append(Bar(start: start, end: value, count: 0, percentUpToEnd: 0))
            }
            bars[bars.count - 1].count += count
            bars[bars.count - 1].end = value
            bars[bars.count - 1].percentUpToEnd = percent
        }
        return bars
    }

    /// The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten.
    private static func limit(above value: UInt64) -> UInt64 {
        var power: UInt64 = 1
        while power <= BenchLimits.longestLatency {
            for step: UInt64 in [10, 12, 15, 20, 25, 30, 40, 50, 60, 80]
            where power * step / 10 >= value { return power * step / 10 }
            power *= 10
        }
        return .max
    }
}
