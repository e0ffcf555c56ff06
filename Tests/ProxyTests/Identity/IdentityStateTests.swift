import Testing

@testable import Proxy

/// Both clocks begin at some instant and go on together, unless the date is set.
private func moment(_ seconds: Double, dateSetBy shift: Double = 0) -> IdentityState.Moment {
    IdentityState.Moment(
        uptime: .seconds(1000 + seconds), date: .seconds(1_700_000_000 + seconds + shift))
}

/// A certificate that comes at `received`, and is good for `length` then.
private func term(_ received: Double, _ length: Double) -> IdentityState.Term {
    let date = moment(received).date
    return IdentityState.Term(
        start: date - .seconds(60), end: date + .seconds(length), received: date)
}

/// Numbers that always lie in the middle of what is asked for.
private struct Middle: RandomNumberGenerator {
    func next() -> UInt64 { 1 << 63 }
}

@Suite struct `A sidecar that wants a certificate` {
    private var random = Middle()

    @Test mutating func `asks with its token at first`() {
        var state = IdentityState(hasToken: true)
        #expect(state.start(with: nil, at: moment(0), using: &random) == .ask(.token))
        #expect(state.standing(at: moment(0).date) == .absent)
        #expect(state.deadline(after: moment(0).uptime) == moment(10).uptime)
    }

    @Test mutating func `asks nobody with nothing to show`() {
        var state = IdentityState(hasToken: false)
        #expect(state.start(with: nil, at: moment(0), using: &random) == nil)
        #expect(state.deadline(after: moment(0).uptime) == nil)
        #expect(state.timeDidPass(at: moment(1000), using: &random) == nil)
    }

    @Test mutating func `renews by its certificate when half of the time is over`() {
        var state = IdentityState(hasToken: true)
        _ = state.start(with: nil, at: moment(0), using: &random)
        state.didReceive(term(1, 100), at: moment(1), using: &random)
        #expect(state.standing(at: moment(1).date) == .good)
        #expect(state.deadline(after: moment(1).uptime) == moment(31).uptime)
        #expect(state.timeDidPass(at: moment(31), using: &random) == nil)
        #expect(state.timeDidPass(at: moment(50.9), using: &random) == nil)
        #expect(state.timeDidPass(at: moment(51.1), using: &random) == .ask(.certificate))
    }

    @Test mutating func `goes on with what was kept, and renews it when it would have`() {
        var state = IdentityState(hasToken: false)
        #expect(state.start(with: term(-40, 100), at: moment(0), using: &random) == nil)
        #expect(state.timeDidPass(at: moment(9.9), using: &random) == nil)
        #expect(state.timeDidPass(at: moment(10.1), using: &random) == .ask(.certificate))
        var late = IdentityState(hasToken: true)
        let action = late.start(with: term(-60, 100), at: moment(0), using: &random)
        #expect(action == .ask(.certificate))
        #expect(late.standing(at: moment(0).date) == .good)
    }

    @Test mutating func `asks with the token when what was kept has ended`() {
        var state = IdentityState(hasToken: true)
        let action = state.start(with: term(-200, 100), at: moment(0), using: &random)
        #expect(action == .ask(.token))
        #expect(state.standing(at: moment(0).date) == .ended)
        // It may be the own clock that is wrong.
        var helpless = IdentityState(hasToken: false)
        let last = helpless.start(with: term(-200, 100), at: moment(0), using: &random)
        #expect(last == .ask(.certificate))
    }

    @Test mutating func `tries the token when the certificate is refused, and then takes turns`() {
        var state = IdentityState(hasToken: true)
        _ = state.start(with: term(-60, 100), at: moment(0), using: &random)
        var now = 0.0
        var proofs: [IdentityState.Action] = []
        for _ in 0..<3 {
            state.didFail(.refused, at: moment(now), using: &random)
            now += 2
            if let action = state.timeDidPass(at: moment(now), using: &random) {
                proofs.append(action)
            }
        }
        #expect(proofs == [.ask(.token), .ask(.certificate), .ask(.token)])
        state.didFail(.unreachable, at: moment(now), using: &random)
        #expect(state.timeDidPass(at: moment(now + 5), using: &random) == .ask(.certificate))
    }

    @Test mutating func `gives up what is not answered`() {
        var state = IdentityState(hasToken: true)
        _ = state.start(with: nil, at: moment(0), using: &random)
        #expect(state.timeDidPass(at: moment(9), using: &random) == nil)
        #expect(state.timeDidPass(at: moment(10), using: &random) == .giveUp)
        #expect(state.timeDidPass(at: moment(11), using: &random) == .ask(.token))
    }

    @Test mutating func `waits longer after every failure, up to a limit`() {
        var state = IdentityState(hasToken: true)
        _ = state.start(with: nil, at: moment(0), using: &random)
        var now = 0.0
        var pauses: [Double] = []
        for _ in 0..<9 {
            state.didFail(.unreachable, at: moment(now), using: &random)
            let deadline = state.deadline(after: moment(now).uptime) ?? .zero
            pauses.append((deadline - moment(now).uptime) / .seconds(1))
            now += pauses.last ?? 0
            _ = state.timeDidPass(at: moment(now + 0.001), using: &random)
        }
        let expected = [0.375, 0.75, 1.5, 3, 6, 12, 22.5, 22.5, 22.5]
        #expect(zip(pauses, expected).allSatisfy { abs($0 - $1) < 0.01 }, "\(pauses)")
    }

    @Test mutating func `notices a date that was set, and a sleep`() {
        var state = IdentityState(hasToken: true)
        _ = state.start(with: nil, at: moment(0), using: &random)
        state.didReceive(term(0, 3600), at: moment(0), using: &random)
        #expect(state.timeDidPass(at: moment(30), using: &random) == nil)
        let later = moment(60, dateSetBy: 1800)
        #expect(state.timeDidPass(at: later, using: &random) == .ask(.certificate))
    }

    @Test mutating func `does not ask in a hurry when the clocks are far apart`() {
        for length in [-100.0, 0, 1] {
            var state = IdentityState(hasToken: true)
            _ = state.start(with: nil, at: moment(0), using: &random)
            state.didReceive(term(0, length), at: moment(0), using: &random)
            #expect(state.timeDidPass(at: moment(4.9), using: &random) == nil)
            let least = length > 0 ? 5.1 : 30.1
            #expect(state.timeDidPass(at: moment(least), using: &random) != nil)
        }
    }

    @Test func `says when little is left`() {
        var state = IdentityState(hasToken: true)
        var random = Middle()
        _ = state.start(with: term(0, 100), at: moment(0), using: &random)
        let standings = [0.0, 74, 76, 99, 100, 200].map {
            state.standing(at: moment($0).date)
        }
        #expect(standings == [.good, .good, .ending, .ending, .ended, .ended])
    }
}
