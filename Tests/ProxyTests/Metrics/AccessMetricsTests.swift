import Telemetry
import Testing

@testable import Proxy

@Suite struct `Decisions about access` {
    @Test func `are counted by prefix, and together where there are too many`() {
        let metrics = AccessMetrics()
        for number in 0..<2 * AccessMetrics.prefixLimit {
            metrics.counters(for: "prefix \(number)").denied.add()
        }
        metrics.counters(for: "prefix 0").allowed.add()
        let all = metrics.all
        #expect(all.count == AccessMetrics.prefixLimit + 1)
        #expect(all["prefix 0"]?.denied.value == 1)
        #expect(all["prefix 0"]?.allowed.value == 1)
        let overflow = UInt64(AccessMetrics.prefixLimit)
        #expect(all[AccessMetrics.overflowName]?.denied.value == overflow)
    }
}
