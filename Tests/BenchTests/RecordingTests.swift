import Testing

@testable import Bench

@Suite struct `A histogram of latencies` {
    @Test(arguments: 0..<5)
    func `gives percentiles within a thousandth`(run: Int) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomSource(seed: seed)
        var histogram = LatencyHistogram()
        var values: [UInt64] = []
        for _ in 0..<20_000 {
            // Spread over seven decades.
            let value = UInt64(1000 * random.exponential() * random.exponential() * 5000) + 1
            values.append(value)
            histogram.record(value)
        }
        values.sort()
        for percent in [1.0, 50, 75, 90, 99, 99.9, 99.99] {
            let rank = Int((percent * 200).rounded(.up)) - 1
            let exact = Double(values[rank])
            #expect(
                abs(Double(histogram.percentile(percent)) - exact) <= exact / 1000 + 1,
                "p\(percent), seed \(seed)")
        }
        let mean = values.reduce(0) { $0 + Double($1) } / 20_000
        let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 20_000
        #expect(abs(histogram.mean / mean - 1) < 1e-9)
        #expect(abs(histogram.standardDeviation / variance.squareRoot() - 1) < 1e-6)
        #expect(histogram.min == values.first && histogram.max == values.last)
    }

    @Test func `of nothing is zero`() {
        let histogram = LatencyHistogram()
        #expect(histogram.percentile(99) == 0 && histogram.min == 0 && histogram.mean == 0)
        #expect(histogram.recordedValues.isEmpty && histogram.standardDeviation == 0)
    }

    @Test func `takes what is longer than it can tell apart`() {
        var histogram = LatencyHistogram()
        histogram.record(.max)
        histogram.record(0)
        #expect(histogram.max == .max && histogram.min == 0 && histogram.count == 2)
        #expect(histogram.percentile(99) >= BenchLimits.longestLatency)
    }

    @Test func `is the same from two threads as from one`() {
        var (one, other, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in UInt64(1)...1000 {
            both.record(value * value)
            if value % 3 == 0 { one.record(value * value) } else { other.record(value * value) }
        }
        one.add(other)
        #expect(one.count == both.count && one.total == both.total && one.max == both.max)
        #expect(one.percentile(90) == both.percentile(90) && one.min == both.min)
    }
}

@Suite struct `A timeline` {
    @Test func `gets wider pieces when a run lasts longer than expected`() {
        var timeline = Timeline()
        for second in 0..<1000 {
            for _ in 0..<10 {
                timeline.record(1000, failed: false, at: UInt64(second) * 1_000_000_000)
            }
            timeline.recordFailure(at: UInt64(second) * 1_000_000_000)
        }
        #expect(timeline.pieces.count <= BenchLimits.timelineCount)
        #expect(timeline.pieces.reduce(0) { $0 + $1.latency.count } == 10_000)
        #expect(timeline.pieces.reduce(0) { $0 + $1.failed } == 1000)
        #expect(timeline.width == 6_400_000_000)
    }

    @Test func `has pieces that fit the run that is expected`() {
        #expect(Timeline(expecting: 10_000_000_000).width == 100_000_000)
        #expect(Timeline(expecting: 60_000_000_000).width == 400_000_000)
        #expect(Timeline(expecting: 86_400_000_000_000).width <= 800_000_000_000)
    }

    @Test func `of two threads is one even when their pieces differ`() {
        var (one, other) = (Timeline(), Timeline())
        one.record(5, failed: false, at: 100_000_000_000)
        other.record(7, failed: true, at: 50_000_000)
        other.add(one)
        #expect(other.width == one.width)
        #expect(other.pieces.reduce(0) { $0 + $1.latency.count } == 2)
        #expect(other.pieces[0].failed == 1)
    }
}

@Suite struct `Versions` {
    @Test func `beyond the limit are counted together`() {
        var tally = VersionTally()
        for index in 0..<20 {
            let name = Array("v\(index)".utf8)
            tally.record(1, failed: false, in: tally.slot(of: name.span))
        }
        tally.record(1, failed: false, in: .unnamed)
        let long = [UInt8](repeating: 0x61, count: 1000)
        #expect(tally.slot(of: long.span) == .other)
        #expect(tally.entries.count == 16 && tally.otherCount == 4 && tally.unnamedCount == 1)
    }
}
