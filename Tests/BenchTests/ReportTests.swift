import Testing

@testable import Bench

@Suite struct `A report` {
    /// A result of made-up figures; version names are whatever a server says.
    static func result(
        _ pacing: LoadPlan.Pacing = .closed, version: String = "v1", isCompared: Bool = false,
        answers: Int = 1000
    ) throws -> LoadResult {
        var plan = LoadPlan(targets: [try Target(parsing: "http://a:1/?x=1&y='2'")])
        if isCompared { plan.targets.append(try Target(parsing: "http://b:2/")) }
        plan.pacing = pacing
        plan.versionHeader = "x-version"
        var recording = Recording(expecting: 1_000_000_000)
        for index in 0..<UInt64(answers) {
            let latency = 1_000_000 + index * 10_000
            recording.latency.record(latency)
            recording.service.record(latency / 2)
            recording.count(status: index % 100 == 0 ? 500 : 200)
            let slot = recording.versions.slot(of: Array(version.utf8).span)
            recording.versions.record(latency, failed: false, in: slot)
            recording.timeline.record(latency, failed: index % 100 == 0, at: index * 1_000_000)
        }
        recording.rate = Double(answers)
        recording.activeNanoseconds = 1_000_000_000
        recording.spanNanoseconds = 1_000_000_000
        return LoadResult(
            plan: plan, recordings: isCompared ? [recording, recording] : [recording],
            startNanosecondsSinceEpoch: 1_763_816_809_042_000_000, busyShare: 0.2,
            isInterrupted: false)
    }

    @Test(arguments: [false, true], [0, 1, 1000])
    func `as a page balances its tags and has no odd numbers`(isCompared: Bool, answers: Int) throws
    {
        let result = try Self.result(isCompared: isCompared, answers: answers)
        let page = HTMLReport.page(result, expecting: try ExpectedSplit(parsing: "v1=1,v2=1"))
        for tag in ["svg", "table", "tr", "td", "figure", "main", "section", "div", "text"] {
            let opened = page.matches(of: try Regex("<\(tag)[ >]")).count
            #expect(opened == page.matches(of: try Regex("</\(tag)>")).count, "\(tag)")
        }
        #expect(page.contains("<svg"))
        #expect(page.firstMatch(of: /[ "MLHV-](nan|inf)[ "MLHVZ]/) == nil)
        #expect(page.contains("2025-11-22T13:06:49.042Z"))
    }

    @Test func `as a page takes nothing from outside for markup`() throws {
        let hostile = "<script>alert(1)</script>\"'&"
        let result = try Self.result(version: hostile)
        let page = HTMLReport.page(result, expecting: nil)
        #expect(!page.contains("<script"))
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"))
        #expect(page.contains("http://a:1/?x=1&amp;y=&#39;2&#39;"))
    }

    @Test func `as JSON takes nothing from outside for more than text`() throws {
        let result = try Self.result(version: "a\"b\\c\u{1}\n")
        let text = JSONReport.text(result, expecting: nil, version: "1.2.3")
        #expect(text.contains(#""Version": "a\"b\\c\u0001\n""#))
        #expect(text.contains(#""Version": "pointsman 1.2.3""#))
        #expect(text.contains(#""RequestedQPS": "max""#))
    }

    @Test func `says what was asked for and what came of it`() throws {
        let result = try Self.result(.open(perSecond: 1000, .poisson))
        let text = TableReport.lines(result).map(\.text).joined(separator: "\n")
        #expect(text.contains("1,000 requests/s, poisson arrivals"))
        #expect(text.contains("10 errors (1.00 %): 10 5xx"))
        #expect(text.contains("status 200: 990, 500: 10"))
        #expect(!text.contains("Closed loop"))
    }

    @Test(arguments: [
        (LoadPlan.Pacing.open(perSecond: 1100, .constant), true),
        (.open(perSecond: 1000, .constant), false), (.open(perSecond: 1050, .constant), false),
        (.closed, false),
    ])
    func `doubts a rate that chance does not explain`(pacing: LoadPlan.Pacing, doubts: Bool) throws
    {
        let result = try Self.result(pacing)
        #expect(result.doubts(about: result.subject).contains { $0.isSaturation } == doubts)
    }
}

@Suite struct `Numbers` {
    @Test(arguments: [
        (0.0, "0.00 ns"), (850, "850 ns"), (999.4, "999 ns"), (999.6, "1.00 µs"),
        (12_345, "12.3 µs"), (999_499, "999 µs"), (999_600, "1.00 ms"), (-4_070_000, "-4.07 ms"),
        (1_234_567_890, "1.23 s"), (12_345_678_901, "12.3 s"),
    ])
    func `of time have three digits`(nanoseconds: Double, text: String) {
        #expect(Decimal.time(nanoseconds) == text)
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (1.005, 2, "1.00"), (-0.001, 2, "0.00"), (-1.5, 1, "-1.5"),
        (123.456, 0, "123"), (.infinity, 2, "inf"), (1e300, 2, "1e+300"),
    ])
    func `are fixed where they can be`(value: Double, digits: Int, text: String) {
        #expect(Decimal.fixed(value, digits) == text)
    }

    @Test(arguments: [(UInt64(0), "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")])
    func `are grouped`(value: UInt64, text: String) {
        #expect(Decimal.grouped(value) == text)
    }
}
