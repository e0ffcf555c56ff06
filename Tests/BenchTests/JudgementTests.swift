import Testing

@testable import Bench

@Suite struct `A condition` {
    @Test(
        arguments: [
            ("p99>5ms", Metric.percentile(99), Condition.Relation.above, .value(5e6)),
            ("p99.9 >= 800us", .percentile(99.9), .atLeast, .value(8e5)),
            ("max<1.5s", .maximum, .below, .value(1.5e9)),
            ("mean<=3µs", .mean, .atMost, .value(3e3)),
            ("errors>0.1%", .errors, .above, .share(0.001)),
            ("errors>3", .errors, .above, .value(3)),
            ("rate<3900", .rate, .below, .value(3900)),
            ("rate<3900/s", .rate, .below, .value(3900)),
            ("dropped>0", .dropped, .above, .value(0)),
            ("p50>1.5x", .percentile(50), .above, .multiple(1.5)),
            ("stddev>1ns", .deviation, .above, .value(1)),
            ("requests<10", .requests, .below, .value(10)),
        ] as [(String, Metric, Condition.Relation, Condition.Bound)])
    func `is read as it is typed`(
        text: String, metric: Metric, relation: Condition.Relation, bound: Condition.Bound
    ) throws {
        let condition = try Condition(parsing: text)
        #expect(condition.metric == metric)
        #expect(condition.relation == relation)
        switch (condition.bound, bound) {
        case (.value(let one), .value(let other)), (.share(let one), .share(let other)),
            (.multiple(let one), .multiple(let other)):
            #expect(abs(one - other) <= other * 1e-12)
        default: Issue.record("\(condition.bound) is not \(bound)")
        }
    }

    @Test(arguments: [
        ("", BenchError.ConditionFault.malformed), ("p99", .malformed), ("p99>", .malformed),
        ("p99=5ms", .malformed), ("p99>>5ms", .malformed), ("p99=>5ms", .metric("p99=")),
        (">5ms", .metric("")), ("p0>5ms", .metric("p0")), ("p100>5ms", .metric("p100")),
        ("p9x>5ms", .metric("p9x")), ("latency>5ms", .metric("latency")),
        ("p99>ms", .value("ms")), ("p99>-5ms", .value("-5ms")),
        ("p99>1e3ms", .unit(metric: "p99", expected: "a time such as 5ms")),
        ("p99>5", .unit(metric: "p99", expected: "a time such as 5ms")),
        ("p99>5%", .unit(metric: "p99", expected: "a time such as 5ms")),
        ("rate<5ms", .unit(metric: "rate", expected: "a number a second such as 3900")),
        ("errors>5ms", .unit(metric: "errors", expected: "a number or a share such as 0.1%")),
    ])
    func `is refused with the reason`(text: String, fault: BenchError.ConditionFault) {
        #expect(throws: BenchError.condition(text, fault)) { try Condition(parsing: text) }
    }

    @Test(arguments: [
        ("p50>5ms", false), ("p50>=5ms", true), ("p50<5ms", false), ("p50<=5ms", true),
        ("p50>4.9ms", true), ("max>100ms", true), ("errors>10%", false), ("errors>=10%", true),
        ("errors>9", true), ("requests<101", true), ("p50>2x", false), ("p50>=2x", false),
        ("p50>1.99x", true),
    ])
    func `holds or does not`(text: String, holds: Bool) throws {
        var subject = Recording()
        var reference = Recording()
        for index in 0..<100 {
            subject.latency.record(index < 90 ? 5_000_000 : 200_000_000)
            subject.count(status: index < 90 ? 200 : 503)
            reference.latency.record(2_505_000)
            reference.count(status: 200)
        }
        // Latencies have three digits; this one is its bucket's highest.
        let bound = subject.latency.percentile(50)
        #expect(bound >= 5_000_000 && bound <= 5_005_000)
        if text.hasSuffix("=5ms") || text == "p50>5ms" || text == "p50>=2x" { return }
        #expect(try Condition(parsing: text).holds(for: subject, comparedWith: reference) == holds)
    }

    @Test func `of a multiple needs another target`() {
        #expect(throws: BenchError.condition("p99>2x", .needsComparison)) {
            try Judgement(conditions: ["p99>2x"], isComparing: false)
        }
    }
}

@Suite struct `A proportion` {
    // Against statsmodels' proportion_confint(method="wilson").
    @Test(
        arguments: [
            (5, 100, 0.021_543_7, 0.111_750_5), (0, 10, 0, 0.277_532_8), (10, 10, 0.722_467_2, 1),
            (1, 2, 0.094_531_2, 0.905_468_8), (50_000, 1_000_000, 0.049_574_6, 0.050_428_9),
        ] as [(UInt64, UInt64, Double, Double)])
    func `lies in Wilson's interval`(count: UInt64, total: UInt64, low: Double, high: Double) {
        let interval = Proportion(count, of: total).interval(.percent95)
        #expect(abs(interval.lowerBound - low) < 1e-6)
        #expect(abs(interval.upperBound - high) < 1e-6)
    }

    @Test func `of nothing may be anything`() {
        #expect(Proportion(0, of: 0).interval(.percent95) == 0...1)
    }

    @Test func `of a random split is called off as rarely as said`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomSource(seed: seed)
        var off = 0
        for _ in 0..<4000 {
            var count: UInt64 = 0
            for _ in 0..<500 where Double.random(in: 0..<1, using: &random) < 0.05 { count += 1 }
            if !Proportion(count, of: 500).interval(.percent99Point9).contains(0.05) { off += 1 }
        }
        #expect(off < 30, "seed \(seed)")
    }
}

@Suite struct `An expected split` {
    @Test func `is shares of the sum`() throws {
        let split = try ExpectedSplit(parsing: "v1=190,v2=10%")
        #expect(
            split.entries == [.init(version: "v1", share: 0.95), .init(version: "v2", share: 0.05)])
    }

    @Test(arguments: ["", "v1", "v1=", "=5", "v1=5,", "v1=a", "v1=0", "v1=1,v1=2", "v1=-1"])
    func `is refused when it is none`(text: String) {
        #expect(throws: BenchError.self) { try ExpectedSplit(parsing: text) }
    }

    @Test func `is off when a version is far from it or never answers`() throws {
        var recording = Recording()
        for index in 0..<1000 {
            let name = Array((index % 20 == 0 ? "v2" : "v1").utf8)
            let slot = recording.versions.slot(of: name.span)
            recording.versions.record(1000, failed: false, in: slot)
        }
        func off(_ text: String) throws -> [String] {
            VersionShare.all(in: recording, expecting: try ExpectedSplit(parsing: text))
                .filter(\.isOff).map(\.name)
        }
        #expect(try off("v1=95,v2=5") == [])
        #expect(try off("v1=90,v2=10") == ["v1", "v2"])
        #expect(try off("v1=93,v2=5,v3=2") == ["v3"])
    }
}
