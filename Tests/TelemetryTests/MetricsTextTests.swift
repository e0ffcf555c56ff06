import Bytes
import Glibc
import Telemetry
import Testing

private let hasPromtool = unsafe access("/usr/bin/promtool", X_OK) == 0

private func example() -> MetricsText {
    var text = MetricsText()
    text.begin("mesh_requests_total", .counter, help: "Requests that were answered.")
    text.sample(
        UInt64(7), labels: [MetricLabel("service", "reviews"), MetricLabel("code", "200")])
    text.sample(
        UInt64.max, labels: [MetricLabel("service", "a\\b\"c\nd"), MetricLabel("code", "503")])
    text.begin("mesh_active_requests", .gauge, help: "Requests in flight.")
    text.sample(Int64(-2))
    text.begin("mesh_uptime_seconds", .gauge, help: "Time since the start.")
    text.sample(0.25)
    text.begin("mesh_request_duration_seconds", .histogram, help: "Time to the last byte.")
    let histogram = Histogram()
    histogram.record(nanoseconds: 50_000)
    histogram.record(nanoseconds: 1_500_000_000)
    histogram.record(nanoseconds: 99_000_000_000)
    var summary = HistogramSummary()
    histogram.add(to: &summary)
    text.sample(summary, labels: [MetricLabel("service", "reviews")])
    return text
}

@Suite struct `Metrics as text` {
    @Test func `name each family once and escape label values`() {
        let lines = String(example().bytes).split(separator: "\n")
        #expect(lines[0] == "# HELP mesh_requests_total Requests that were answered.")
        #expect(lines[1] == "# TYPE mesh_requests_total counter")
        #expect(lines[2] == #"mesh_requests_total{service="reviews",code="200"} 7"#)
        let escaped = #"mesh_requests_total{service="a\\b\"c\nd",code="503"} 18446744073709551615"#
        #expect(lines[3] == escaped)
        #expect(lines[6] == "mesh_active_requests -2")
        #expect(lines[9] == "mesh_uptime_seconds 0.25")
    }

    @Test func `cumulate buckets up to infinity`() {
        let text = String(example().bytes)
        let prefix = #"mesh_request_duration_seconds_bucket{service="reviews",le="#
        #expect(text.contains(prefix + "\"0.0001\"} 1\n"))
        #expect(text.contains(prefix + "\"1\"} 1\n"))
        #expect(text.contains(prefix + "\"2.5\"} 2\n"))
        #expect(text.contains(prefix + "\"60\"} 2\n"))
        #expect(text.contains(prefix + "\"+Inf\"} 3\n"))
        #expect(text.contains("mesh_request_duration_seconds_sum{service=\"reviews\"} 100.50005\n"))
        #expect(text.hasSuffix("mesh_request_duration_seconds_count{service=\"reviews\"} 3\n"))
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0"), (-1.5, "-1.5"),
        (1e-7, "1e-07"), (1e300, "1e+300"),
    ])
    func `spell numbers as Prometheus does`(value: Double, spelling: String) {
        var text = MetricsText()
        text.begin("mesh_level", .gauge, help: "A level.")
        text.sample(value)
        #expect(String(text.bytes).hasSuffix("mesh_level \(spelling)\n"))
    }

    @Test(.enabled(if: hasPromtool))
    func `pass the checks of promtool`() {
        guard let pipe = unsafe popen("/usr/bin/promtool check metrics 2>&1", "w") else {
            Issue.record("promtool did not start: \(errno)")
            return
        }
        unsafe fputs(String(example().bytes), pipe)
        let status = unsafe pclose(pipe)
        #expect(status == 0)
    }
}
