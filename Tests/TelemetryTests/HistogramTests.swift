import Telemetry
import Testing

@Suite struct `A histogram` {
    @Test(arguments: [
        (UInt64(0), 0), (100_000, 0), (100_001, 1), (1_000_000, 3), (1_000_001, 4),
        (15_000_000_000, 19), (60_000_000_000, 20), (60_000_000_001, 21), (.max, 21),
    ])
    func `has inclusive upper bounds`(nanoseconds: UInt64, bucket: Int) {
        let histogram = Histogram()
        histogram.record(nanoseconds: nanoseconds)
        var summary = HistogramSummary()
        histogram.add(to: &summary)
        #expect(summary.count == 1)
        #expect(summary.buckets[bucket] == 1)
        #expect(summary.sumNanoseconds == nanoseconds)
    }

    @Test func `finds the same bucket as a search one by one`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var state = seed
        for _ in 0..<2000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let nanoseconds = state >> (state % 64)
            var expected = 0
            while expected < Histogram.boundCount,
                HistogramSummary.boundNanoseconds(at: expected) < nanoseconds
            {
                expected += 1
            }
            let histogram = Histogram()
            histogram.record(nanoseconds: nanoseconds)
            var summary = HistogramSummary()
            histogram.add(to: &summary)
            #expect(summary.buckets[expected] == 1, "\(nanoseconds) ns, seed \(seed)")
        }
    }

    @Test func `adds up over threads and tells quantiles`() {
        let first = Histogram()
        let second = Histogram()
        for _ in 0..<99 { first.record(nanoseconds: 700_000) }
        second.record(nanoseconds: 3_000_000_000)
        var summary = HistogramSummary()
        #expect(summary.quantileNanoseconds(0.5) == nil)
        first.add(to: &summary)
        second.add(to: &summary)
        #expect(summary.count == 100)
        #expect(summary.quantileNanoseconds(0.5) == 1_000_000)
        #expect(summary.quantileNanoseconds(0.99) == 1_000_000)
        #expect(summary.quantileNanoseconds(1) == 5_000_000_000)
    }
}
