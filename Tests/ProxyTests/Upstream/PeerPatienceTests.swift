import Kernel
import Testing

@testable import Proxy

@Suite struct `The patience of a peer` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func milliseconds(_ count: UInt64) -> UInt64 { count * 1_000_000 }

    @Test func `is endless until it is seen to end`() {
        #expect(PeerPatience().outlasts(milliseconds(3_600_000), now: start))
    }

    @Test(arguments: [
        (UInt64(5000), UInt64(2000), true), (5000, 2494, true), (5000, 2495, false),
        (5000, 6000, false), (20, 4, true), (20, 5, false), (10, 0, false), (0, 0, false),
    ])
    func `is trusted for half of the shortest time`(closed: UInt64, idle: UInt64, isSafe: Bool) {
        var patience = PeerPatience()
        patience.closed(after: milliseconds(60_000), now: start)
        patience.closed(after: milliseconds(closed), now: start)
        patience.closed(after: milliseconds(50_000), now: start)
        #expect(patience.outlasts(milliseconds(idle), now: start) == isSafe)
    }

    @Test func `is forgotten after ten seconds`() {
        var patience = PeerPatience()
        patience.closed(after: 0, now: start)
        #expect(!patience.outlasts(0, now: start + .seconds(9)))
        #expect(patience.outlasts(0, now: start + .seconds(10)))
        patience.closed(after: milliseconds(1000), now: start + .seconds(11))
        #expect(patience.outlasts(milliseconds(100), now: start + .seconds(11)))
    }
}
