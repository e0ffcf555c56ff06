/// Decides when a sidecar asks for its certificate, and by what it says who it is.
///
/// It reads no clock and opens no connection. A certificate is renewed when about half of the time
/// is over that was left of it when it came, by the machine's uptime or by its date, whichever says
/// so first: a date may be set anew, and an uptime does not count a machine's sleep.
struct IdentityState {
    /// An instant, by both clocks.
    struct Moment: Equatable {
        /// Since the machine started.
        var uptime: Duration
        /// Since 1970.
        var date: Duration
    }

    /// How long a certificate is good; dates are since 1970.
    struct Term: Equatable {
        let start: Duration
        let end: Duration
        /// When it came, by the own date.
        let received: Duration

        /// What was left of it when it came; nothing where the clocks are further apart than that.
        var length: Duration { max(min(end - received, end - start), .zero) }

        func isGood(at date: Duration) -> Bool { date < end }
    }

    /// By what the sidecar says who it is.
    enum Proof: Equatable {
        case certificate
        case token
    }

    enum Failure: String, Equatable, CaseIterable {
        /// The authority does not take the proof.
        case refused
        /// The authority has had enough for now.
        case limited
        /// Whoever is there is not the authority.
        case untrusted
        /// No answer came.
        case unreachable
        /// What came cannot be used.
        case unusable
    }

    enum Action: Equatable {
        case ask(Proof)
        /// The answer takes too long and is not waited for any more.
        case giveUp
    }

    enum Standing: Equatable {
        case absent
        case good
        /// Less than a quarter of it is left.
        case ending
        case ended
    }

    private enum Step: Equatable {
        /// There is nothing to say who one is by.
        case helpless
        case resting(until: Duration)
        case retrying(at: Duration)
        case asking(Proof, until: Duration)
    }

    /// How long an answer may take.
    static let patience = Duration.seconds(10)
    /// A certificate that just came is not renewed sooner, however little is left of it.
    static let leastRest = Duration.seconds(5)
    /// The same of one that had ended when it came, since the clocks are wrong then.
    static let leastRestWithoutTerm = Duration.seconds(30)
    /// How far the renewal is from half of the time, at most, in parts of the time.
    static let jitter = 0.05
    static let firstRetry = Duration.milliseconds(500)
    static let longestRetry = Duration.seconds(30)
    /// How soon a date that was set anew is noticed.
    static let longestSleep = Duration.seconds(30)

    private(set) var term: Term?
    /// How many times in a row nothing came of it.
    private(set) var failureCount = 0
    private let hasToken: Bool
    private var step = Step.helpless
    /// When the certificate that is held is renewed, by the date.
    private(set) var renewalDate = Duration.zero
    /// What was not believed the last time.
    private var refusedProof: Proof?

    /// - Parameter hasToken: Whether there is a place where a token may lie.
    init(hasToken: Bool) {
        self.hasToken = hasToken
    }

    /// When ``timeDidPass(at:using:)`` is due, as uptime; `nil` when nothing will come of time.
    func deadline(after now: Duration) -> Duration? {
        switch step {
        case .helpless: nil
        case .resting(let time): min(time, now + Self.longestSleep)
        case .retrying(let time), .asking(_, let time): time
        }
    }

    func standing(at date: Duration) -> Standing {
        guard let term else { return .absent }
        if !term.isGood(at: date) { return .ended }
        return term.end - date < term.length / 4 ? .ending : .good
    }

    /// Begins, with what was kept.
    mutating func start(
        with kept: Term?, at now: Moment, using random: inout some RandomNumberGenerator
    ) -> Action? {
        if let kept {
            hold(kept, at: now, using: &random)
            if kept.isGood(at: now.date), now.date < renewalDate { return nil }
        } else if !hasToken {
            return nil
        }
        return ask(at: now)
    }

    mutating func timeDidPass(
        at now: Moment, using random: inout some RandomNumberGenerator
    ) -> Action? {
        switch step {
        case .helpless: return nil
        case .resting(let time):
            let isDue = now.uptime >= time || isOverdue(at: now)
            return isDue ? ask(at: now) : nil
        case .retrying(let time): return now.uptime >= time ? ask(at: now) : nil
        case .asking(_, let time):
            if now.uptime < time { return nil }
            fail(.unreachable, at: now, using: &random)
            return .giveUp
        }
    }

    /// A certificate came; it counts also when nobody waits for it any more.
    mutating func didReceive(
        _ term: Term, at now: Moment, using random: inout some RandomNumberGenerator
    ) {
        failureCount = 0
        refusedProof = nil
        hold(term, at: now, using: &random)
    }

    /// Nothing came of what was asked.
    mutating func didFail(
        _ failure: Failure, at now: Moment, using random: inout some RandomNumberGenerator
    ) {
        guard case .asking = step else { return }
        fail(failure, at: now, using: &random)
    }

    private mutating func hold(
        _ term: Term, at now: Moment, using random: inout some RandomNumberGenerator
    ) {
        self.term = term
        let part = Double.random(in: 0.5 - Self.jitter...0.5 + Self.jitter, using: &random)
        let least = term.length > .zero ? Self.leastRest : Self.leastRestWithoutTerm
        let rest = max(term.length * part, least)
        renewalDate = term.received + rest
        // What was kept may have been lying for a while.
        let elapsed = max(now.date - term.received, .zero)
        step = .resting(until: now.uptime + max(rest - elapsed, .zero))
    }

    /// Whether the date says that the certificate has to be renewed, although the uptime does not.
    private func isOverdue(at now: Moment) -> Bool {
        guard let term, term.length > .zero else { return false }
        return now.date >= renewalDate
    }

    private mutating func ask(at now: Moment) -> Action {
        let proof = proof(at: now.date)
        step = .asking(proof, until: now.uptime + Self.patience)
        return .ask(proof)
    }

    private func proof(at date: Duration) -> Proof {
        guard let term else { return .token }
        if !hasToken { return .certificate }
        // One that has ended is no proof, unless it is the own clock that is wrong.
        let preferred = term.isGood(at: date) ? Proof.certificate : .token
        return preferred == refusedProof ? preferred.other : preferred
    }

    private mutating func fail(
        _ failure: Failure, at now: Moment, using random: inout some RandomNumberGenerator
    ) {
        guard case .asking(let proof, _) = step else { return }
        refusedProof = failure == .refused ? proof : nil
        // Six doublings lead beyond the longest pause.
        var bound = min(Self.firstRetry * (1 << min(failureCount, 6)), Self.longestRetry)
        if let term, term.isGood(at: now.date) {
            // Whoever has little time left asks more often.
            bound = min(bound, max((term.end - now.date) / 8, .seconds(1)))
        }
        failureCount += 1
        step = .retrying(at: now.uptime + bound * Double.random(in: 0.5...1, using: &random))
    }
}

extension IdentityState.Proof {
    fileprivate var other: IdentityState.Proof {
        switch self {
        case .certificate: .token
        case .token: .certificate
        }
    }
}
