import Telemetry
import Testing

@Suite struct `Counters` {
    @Test func `grow by what is added`() {
        let counter = Counter()
        counter.add()
        counter.add(41)
        #expect(counter.value == 42)
    }

    @Test func `wrap instead of trapping`() {
        let counter = Counter()
        counter.add(.max)
        counter.add(2)
        #expect(counter.value == 1)
    }

    @Test func `of a level rise, fall and go below zero`() {
        let gauge = Gauge()
        gauge.add(3)
        gauge.subtract()
        #expect(gauge.value == 2)
        gauge.subtract(5)
        #expect(gauge.value == -3)
        gauge.set(.min)
        gauge.subtract()
        #expect(gauge.value == .max)
    }
}
