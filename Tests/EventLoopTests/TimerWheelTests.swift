import Testing

@testable import EventLoop

private final class Recorder: TimerHandler {
    var fired: [TimerToken] = []

    func timerFired(_ timer: TimerToken) {
        fired.append(timer)
    }
}

@Suite struct `Timer wheel` {
    @Test func `fires at the deadline and not before`() {
        for delay: UInt64 in [1, 2, 63, 64, 65, 4095, 4096, 4097, 262_143, 262_144, 20_000_000] {
            for start: UInt64 in [0, 1, 63, 64, 4095, 1_000_003] {
                var wheel = TimerWheel(now: start)
                let token = wheel.schedule(at: start + delay, for: Recorder())
                let early = wheel.takeDue(now: start + delay - 1)?.token
                let due = wheel.takeDue(now: start + delay)?.token
                let late = wheel.takeDue(now: start + delay + 100)?.token
                #expect(early == nil, "delay \(delay) from \(start)")
                #expect(due == token, "delay \(delay) from \(start)")
                #expect(late == nil)
                #expect(wheel.count == 0)
            }
        }
    }

    @Test func `fires in order, whatever is set and dropped`() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = Seeded(state: seed)
        let recorder = Recorder()
        var wheel = TimerWheel(now: 0)
        var model: [TimerToken: UInt64] = [:]
        var now: UInt64 = 0
        for _ in 0..<20_000 {
            switch generator.next() % 4 {
            case 0, 1:
                let reach = [10, 100, 5_000, 300_000, 30_000_000].randomElement(using: &generator)
                let deadline = now + UInt64.random(in: 1...UInt64(reach ?? 1), using: &generator)
                model[wheel.schedule(at: deadline, for: recorder)] = deadline
            case 2:
                if let token = model.keys.min(by: { $0.slot < $1.slot }) {
                    wheel.cancel(token)
                    model[token] = nil
                }
            default:
                now += UInt64.random(in: 0...2_000, using: &generator)
                if let next = wheel.nextTick, let earliest = model.values.min() {
                    #expect(next <= earliest, "seed \(seed)")
                }
                while let due = wheel.takeDue(now: now) {
                    let deadline = model.removeValue(forKey: due.token)
                    #expect(deadline.map { $0 <= now } == true, "seed \(seed)")
                }
                #expect(model.values.allSatisfy { $0 > now }, "seed \(seed)")
            }
            #expect(wheel.count == model.count, "seed \(seed)")
        }
    }
}

/// SplitMix64, so that a failing run can be repeated from its seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
