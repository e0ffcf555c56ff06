import Kernel
import Testing

@testable import Bench

@Suite struct `A schedule` {
    @Test(arguments: [1.0, 3, 250, 4000, 333_333])
    func `of constant arrivals keeps the rate to the nanosecond`(rate: Double) {
        var schedule = Schedule(perSecond: rate, arrivals: .constant)
        for index in 0..<10_000 {
            #expect(abs(Double(schedule.due) - Double(index) * 1e9 / rate) <= 1)
            schedule.advance()
        }
    }

    @Test(arguments: [2, 3, 7])
    func `is dealt out to threads so that all of them are evenly spaced`(parts: Int) {
        var all: [UInt64] = []
        for part in 0..<parts {
            var schedule = Schedule(perSecond: 1000, arrivals: .constant, part: part, of: parts)
            for _ in 0..<100 {
                all.append(schedule.due)
                schedule.advance()
            }
        }
        #expect(all.sorted() == (0..<UInt64(100 * parts)).map { $0 * 1_000_000 })
    }

    @Test(arguments: 0..<5)
    func `of Poisson arrivals has exponential intervals`(run: Int) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var schedule = Schedule(perSecond: 1000, arrivals: .poisson, seed: seed)
        var intervals: [Double] = []
        var last: UInt64 = 0
        for _ in 0..<100_000 {
            intervals.append(Double(schedule.due - last))
            last = schedule.due
            schedule.advance()
        }
        let mean = intervals.reduce(0, +) / 100_000
        let variance = intervals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100_000
        // Five standard errors: 1/√n of the mean, √8/√n of the variance.
        #expect(abs(mean / 1e6 - 1) < 5 * 0.003_2, "seed \(seed)")
        #expect(abs(variance / 1e12 - 1) < 5 * 0.009, "seed \(seed)")
        // Memoryless: a share of 1/e is longer than the mean.
        let long = Double(intervals.count { $0 > 1e6 }) / 100_000
        #expect(abs(long - 0.367_9) < 5 * 0.001_5, "seed \(seed)")
    }

    @Test func `of Poisson arrivals has as many in a second as chance allows`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var schedule = Schedule(perSecond: 100, arrivals: .poisson, seed: seed)
        var counts = [Double](repeating: 0, count: 2000)
        while schedule.due < 2_000_000_000_000 {
            counts[Int(schedule.due / 1_000_000_000)] += 1
            schedule.advance()
        }
        let mean = counts.reduce(0, +) / 2000
        let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2000
        #expect(abs(mean - 100) < 5 * 0.224, "seed \(seed)")
        // The variance of counts is their mean.
        #expect(abs(variance / mean - 1) < 5 * 0.0317, "seed \(seed)")
    }

    @Test func `of the same seed is the same`() {
        var one = Schedule(perSecond: 9, arrivals: .poisson, seed: 7)
        var other = Schedule(perSecond: 9, arrivals: .poisson, seed: 7)
        var third = Schedule(perSecond: 9, arrivals: .poisson, seed: 8)
        #expect(one.due == other.due && one.due != third.due)
        one.advance()
        other.advance()
        third.advance()
        #expect(one.due == other.due && one.due != third.due)
    }

    @Test(arguments: [
        (UInt64(0), UInt64(1_000_000_000), UInt64(1000)), (500_000_000, 1_000_000_000, 500),
        (0, 1, 1), (0, 0, 0), (0, 20_000_000_000_000, 20_000_000),
    ])
    func `counts what was never sent`(from: UInt64, end: UInt64, count: UInt64) {
        let schedule = Schedule(perSecond: 1000, arrivals: .constant)
        #expect(schedule.count(from: from, before: end) == count)
    }
}

@Suite struct `Free places` {
    @Test func `come back in the order in which they became free`() {
        var queue = TicketQueue(capacity: 3)
        for round in UInt32(0)..<10 {
            for place in UInt32(0)..<3 { queue.append(Ticket(connection: place, epoch: round)) }
            #expect(queue.isFull)
            for place in UInt32(0)..<3 {
                #expect(queue.popFirst()?.connection == place)
            }
            #expect(queue.popFirst() == nil)
        }
    }

    @Test func `of a closed connection are dropped`() {
        var queue = TicketQueue(capacity: 4)
        for epoch in UInt32(0)..<4 { queue.append(Ticket(connection: 0, epoch: epoch)) }
        queue.removeAll { $0.epoch % 2 == 0 }
        #expect(queue.popFirst()?.epoch == 1)
        #expect(queue.popFirst()?.epoch == 3)
        #expect(queue.popFirst()?.epoch == nil)
    }
}

@Suite struct `Waking early` {
    @Test func `follows how late timers are, within a bound`() {
        var earliness = Earliness(perSecond: 1000)
        for _ in 0..<100 { earliness.learn(1_030_000, wanted: 1_000_000) }
        #expect((29_900...30_000).contains(earliness.lead))
        for _ in 0..<100 { earliness.learn(9_000_000, wanted: 1_000_000) }
        #expect(earliness.lead <= Earliness.longestLead)
        for _ in 0..<200 { earliness.learn(1_000_000, wanted: 1_000_000) }
        #expect(earliness.lead == 0)
    }

    @Test(arguments: [0.0, 50_000])
    func `is left alone without a schedule and at high rates`(rate: Double) {
        var earliness = Earliness(perSecond: rate)
        earliness.learn(1_030_000, wanted: 1_000_000)
        #expect(earliness.lead == 0)
        let far = Instant.now().nanoseconds + 1_000_000_000
        let hasCome = earliness.spin(until: far)
        #expect(!hasCome && earliness.spun == 0)
    }

    @Test func `waits awake for what is near and for nothing else`() {
        var earliness = Earliness(perSecond: 1000)
        for _ in 0..<100 { earliness.learn(1_030_000, wanted: 1_000_000) }
        let near = Instant.now().nanoseconds + 10_000
        let hasCome = earliness.spin(until: near)
        #expect(hasCome && Instant.now().nanoseconds >= near)
        let hasWaited = earliness.spin(until: near + 1_000_000_000)
        #expect(!hasWaited)
        #expect(earliness.spun <= Earliness.longestLead)
    }
}
