import Mesh
import TLS

/// The mesh's certificate authority: who gets which certificate, and what it hangs on.
///
/// Whatever it answers is in the store before. It reads no clock but `now`.
final class MeshAuthority {
    /// Why the authority does not start.
    enum Failure: Error, Equatable {
        case store(StoreError)
        /// The mesh was begun as that of another trust domain.
        case trustDomain(String)
        /// The keys were not sealed with this key file.
        case keyFile
        case damaged(String)
        case library(TLSError)
    }

    /// Why somebody gets no certificate, with a sentence for them.
    enum Refusal: Error, Equatable {
        case unauthenticated(String)
        case invalid(String)
        case tooMany(String)
        case unavailable(String)
    }

    /// Who the control plane itself is.
    static let ownNamespace = "pointsman"
    static let ownAccount = "control"
    private static let purpose = "pointsman authority"
    private static let checkText = Array("pointsman".utf8)
    private static let pruneInterval: Int64 = 60
    /// Most steps in one tick; a set of authorities never has more to make in a row.
    private static let stepLimit = 16

    let trustDomain: TrustDomain
    let policy: AuthorityPolicy
    private(set) var authorities: AuthoritySet
    let store: AuthorityStore
    /// Seconds since 1970.
    let now: () -> Int64
    var rate = IssueRate()
    /// Since the start.
    private(set) var issuedCounts: [IssuedRecord.Ground: UInt64] = [:]
    /// Clients that TLS did not let in, by the reason.
    private(set) var refusalCounts: [TLSError.Reason: UInt64] = [:]
    private var pruneTime: Int64 = 0
    /// Told when other roots are to be accepted, or certificates hang on another one.
    var onChange: () -> Void = {}
    /// Takes a line about what happens.
    var onEvent: (String) -> Void = { _ in }

    /// Takes up the authority in the store, or begins one.
    init(
        _ store: AuthorityStore, secret: [UInt8], trustDomain: TrustDomain,
        policy: AuthorityPolicy, now: @escaping () -> Int64
    ) throws(Failure) {
        self.store = store
        self.trustDomain = trustDomain
        self.policy = policy
        self.now = now
        do {
            if let foundation = try store.foundation() {
                authorities = try Self.takeUp(foundation, store, secret, trustDomain, policy)
            } else {
                authorities = try Self.found(store, secret, trustDomain, policy, at: now())
            }
        } catch let error as StoreError {
            throw .store(error)
        } catch let error as TLSError {
            throw .library(error)
        } catch let error as AuthoritySet.Failure {
            throw Failure(error)
        } catch let error as Failure {
            throw error
        } catch {
            throw .damaged("\(error)")
        }
    }

    private static func takeUp(
        _ foundation: AuthorityFoundation, _ store: AuthorityStore, _ secret: [UInt8],
        _ trustDomain: TrustDomain, _ policy: AuthorityPolicy
    ) throws -> AuthoritySet {
        guard foundation.trustDomain == trustDomain.name else {
            throw Failure.trustDomain(foundation.trustDomain)
        }
        let key = try SealingKey(secret: secret, salt: foundation.salt, purpose: purpose)
        guard key.open(foundation.check, label: "check") == checkText else {
            throw Failure.keyFile
        }
        return try AuthoritySet(
            try store.authorities(), trustDomain: trustDomain.name, key: key, policy: policy)
    }

    private static func found(
        _ store: AuthorityStore, _ secret: [UInt8], _ trustDomain: TrustDomain,
        _ policy: AuthorityPolicy, at now: Int64
    ) throws -> AuthoritySet {
        let salt = try SecureBytes.random(byteCount: 32)
        let key = try SealingKey(secret: secret, salt: salt, purpose: purpose)
        let set = try AuthoritySet(
            founding: trustDomain.name, key: key, policy: policy, at: now)
        let foundation = AuthorityFoundation(
            trustDomain: trustDomain.name, salt: salt,
            check: try key.seal(checkText, label: "check"))
        let event = AuthorityEvent(
            at: now, who: ownAccount, what: "began the authority of \(trustDomain)")
        try store.found(foundation, set.records, event)
        return set
    }

    /// Every root that is accepted, in PEM.
    var roots: [String] { authorities.roots }

    /// Makes the steps that are due, and forgets what has ended.
    func tick() {
        let time = now()
        for _ in 0..<Self.stepLimit {
            var next = authorities
            do {
                guard let step = try next.step(at: time) else { break }
                try adopt(next, step, who: Self.ownAccount, at: time)
            } catch {
                onEvent("authority: a step is put off: \(error)")
                break
            }
        }
        if time < pruneTime { return }
        pruneTime = time + Self.pruneInterval
        do {
            try store.prune(at: time)
        } catch {
            onEvent("authority: \(error.reason)")
        }
    }

    /// Begins to replace an authority.
    ///
    /// - Throws: ``AuthoritySet/Failure`` or ``StoreError``; then nothing has changed.
    func rotate(_ kind: AuthorityRecord.Kind, who: String) throws -> String {
        var next = authorities
        let time = now()
        let step =
            switch kind {
            case .root: try next.announceRoot(at: time)
            case .intermediate: try next.renewIntermediate(at: time)
            }
        try adopt(next, step, who: who, at: time)
        return step
    }

    func noteIssued(_ ground: IssuedRecord.Ground, until end: Int64) {
        authorities.noteIssued(until: end)
        issuedCounts[ground, default: 0] += 1
    }

    /// A client did not get past the handshake.
    func noteRefused(_ reason: TLSError.Reason) {
        refusalCounts[reason, default: 0] += 1
    }

    private func adopt(_ next: AuthoritySet, _ step: String, who: String, at time: Int64) throws {
        try store.replace(with: next.records, [AuthorityEvent(at: time, who: who, what: step)])
        authorities = next
        onEvent("authority: \(step) (\(who))")
        onChange()
    }
}

extension MeshAuthority.Failure {
    fileprivate init(_ failure: AuthoritySet.Failure) {
        switch failure {
        case .isRotating: self = .damaged("two roots are announced")
        case .damaged(let reason): self = .damaged(reason)
        case .library(let error): self = .library(error)
        }
    }
}
