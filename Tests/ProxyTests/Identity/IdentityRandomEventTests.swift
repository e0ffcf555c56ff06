import Testing

@testable import Proxy

/// A linear congruential generator, so that a seed repeats a run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

/// A sidecar, its authority and its clocks, driven at random.
private struct World {
    var dice: Dice
    var state: IdentityState
    let hasToken: Bool
    var uptime = Duration.seconds(1000)
    var date = Duration.seconds(1_700_000_000)
    var asked: IdentityState.Proof?
    var askedAt: Duration?
    var failedAt: Duration?
    var isHolding = false

    init(seed: UInt64) {
        dice = Dice(state: seed)
        hasToken = Bool.random(using: &dice)
        state = IdentityState(hasToken: hasToken)
    }

    var now: IdentityState.Moment { IdentityState.Moment(uptime: uptime, date: date) }

    mutating func begin() {
        let kept = Bool.random(using: &dice) ? certificate() : nil
        isHolding = kept != nil
        take(state.start(with: kept, at: now, using: &dice))
    }

    mutating func step() {
        switch Int.random(in: 0..<10, using: &dice) {
        case 0, 1, 2, 3: pass()
        case 4:
            // Someone sets the date.
            date += .seconds(Int.random(in: -100_000...100_000, using: &dice))
        case 5, 6: answer()
        default: fail()
        }
        check()
    }

    /// Time goes on, at most to where the state wants to be told.
    private mutating func pass() {
        let deadline = state.deadline(after: uptime) ?? uptime + .seconds(60)
        let pause = (deadline - uptime) * Double.random(in: 0...1.2, using: &dice)
        uptime += pause
        date += pause
        take(state.timeDidPass(at: now, using: &dice))
    }

    private mutating func answer() {
        guard asked != nil else { return }
        asked = nil
        isHolding = true
        state.didReceive(certificate(), at: now, using: &dice)
    }

    private mutating func fail() {
        guard asked != nil else { return }
        asked = nil
        failedAt = uptime
        let failure = IdentityState.Failure.allCases.randomElement(using: &dice) ?? .refused
        state.didFail(failure, at: now, using: &dice)
    }

    private mutating func certificate() -> IdentityState.Term {
        let start = date + .seconds(Int.random(in: -5000...5000, using: &dice))
        let length = Int.random(in: 30...90_000, using: &dice)
        return IdentityState.Term(start: start, end: start + .seconds(length), received: date)
    }

    private mutating func take(_ action: IdentityState.Action?) {
        switch action {
        case nil: break
        case .giveUp:
            #expect(asked != nil)
            #expect(askedAt.map { uptime - $0 >= IdentityState.patience } ?? false)
            asked = nil
            failedAt = uptime
        case .ask(let proof):
            #expect(asked == nil, "two questions at once")
            #expect(proof == .token ? hasToken : isHolding)
            if let failedAt {
                #expect(uptime - failedAt >= IdentityState.firstRetry / 2, "asked in a hurry")
            }
            failedAt = nil
            asked = proof
            askedAt = uptime
        }
    }

    private func check() {
        let deadline = state.deadline(after: uptime)
        #expect((deadline == nil) == (!hasToken && !isHolding))
        if let deadline {
            #expect(deadline - uptime <= IdentityState.longestSleep, "sleeps too long")
        }
        #expect((state.standing(at: date) == .absent) == !isHolding)
    }
}

@Suite struct `A sidecar that wants a certificate, driven at random` {
    @Test func `asks one question at a time, never in a hurry, and never stops`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        for run in 0..<300 {
            var world = World(seed: seed &+ UInt64(run))
            world.begin()
            for _ in 0..<200 { world.step() }
        }
    }

    @Test func `never loses a certificate while the authority answers within a quarter of it`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var dice = Dice(state: seed)
        for _ in 0..<200 {
            let length = Double.random(in: 30...86_400, using: &dice)
            var state = IdentityState(hasToken: false)
            var now = IdentityState.Moment(uptime: .seconds(5), date: .seconds(1_700_000_000))
            func certificate() -> IdentityState.Term {
                IdentityState.Term(
                    start: now.date - .seconds(min(length, 300)),
                    end: now.date + .seconds(length), received: now.date)
            }
            var action = state.start(with: certificate(), at: now, using: &dice)
            var outageEnd = Duration.zero
            for _ in 0..<200 {
                switch action {
                case .ask:
                    if outageEnd == .zero {
                        let outage = Double.random(in: 0...0.25, using: &dice) * length
                        outageEnd = now.uptime + .seconds(outage)
                    }
                    if now.uptime >= outageEnd {
                        state.didReceive(certificate(), at: now, using: &dice)
                        outageEnd = .zero
                    } else {
                        state.didFail(.unreachable, at: now, using: &dice)
                    }
                case nil, .giveUp: break
                }
                #expect(state.standing(at: now.date) != .ended)
                let pause = (state.deadline(after: now.uptime) ?? now.uptime) - now.uptime
                now.uptime += pause
                now.date += pause
                action = state.timeDidPass(at: now, using: &dice)
            }
        }
    }
}
