import TLS

/// All authorities of a mesh, and how they follow each other.
///
/// Of each kind one is active. A new root is announced first: whoever holds a certificate that was
/// issued before has been told of it when that certificate has ended, for there is no other way to
/// hold a good one. Only then certificates are issued that hang on it. What went before is accepted
/// until the last certificate that hangs on it has ended. Each step is one change of the records,
/// so that a restart at any moment goes on from there.
struct AuthoritySet {
    /// Why a step is not made.
    enum Failure: Error, Equatable {
        /// A new root is on its way already.
        case isRotating
        case damaged(String)
        case library(TLSError)
    }

    private(set) var records: [AuthorityRecord]
    /// The root that intermediate authorities hang on now.
    private(set) var root: Authority
    private(set) var intermediate: Authority
    private let key: SealingKey
    private let trustDomain: String
    private let policy: AuthorityPolicy

    /// Begins a mesh.
    init(
        founding trustDomain: String, key: SealingKey, policy: AuthorityPolicy, at now: Int64
    ) throws(Failure) {
        self.key = key
        self.trustDomain = trustDomain
        self.policy = policy
        do {
            root = try Self.root(1, trustDomain, policy, now)
            intermediate = try Self.intermediate(2, root, trustDomain, policy, now)
            records = []
            records = [
                try record(1, .root, nil, .active, root, now),
                try record(2, .intermediate, 1, .active, intermediate, now),
            ]
        } catch {
            throw .library(error)
        }
    }

    /// Takes up what was kept.
    ///
    /// - Throws: ``Failure/damaged(_:)`` when it is not what was kept.
    init(
        _ records: [AuthorityRecord], trustDomain: String, key: SealingKey, policy: AuthorityPolicy
    ) throws(Failure) {
        let roots = records.filter { $0.kind == .root && $0.stage == .active }
        let intermediates = records.filter { $0.kind == .intermediate && $0.stage == .active }
        guard roots.count == 1, intermediates.count == 1 else {
            throw .damaged("not one root and one intermediate authority are active")
        }
        guard intermediates[0].parent == roots[0].id else {
            throw .damaged("the intermediate authority is not the root's")
        }
        for announced in records where announced.stage == .announced {
            guard announced.kind == .root, announced.readyAt != nil else {
                throw .damaged("authority \(announced.id) is announced, and not to be")
            }
            _ = try Self.authority(announced, key)
        }
        root = try Self.authority(roots[0], key)
        intermediate = try Self.authority(intermediates[0], key)
        guard root.hasSigned(intermediate) else {
            throw .damaged("the root has not signed the intermediate authority")
        }
        self.records = records
        self.key = key
        self.trustDomain = trustDomain
        self.policy = policy
    }

    /// What everybody has to accept, in PEM; the latest last.
    var roots: [String] { records.filter { $0.kind == .root }.map(\.certificate) }

    var activeIntermediate: AuthorityRecord? {
        records.first { $0.kind == .intermediate && $0.stage == .active }
    }

    private var announced: AuthorityRecord? { records.first { $0.stage == .announced } }

    /// What a step did, for the log.
    typealias Step = String

    /// A certificate was issued by the active intermediate authority.
    mutating func noteIssued(until end: Int64) {
        for index in records.indices
        where records[index].kind == .intermediate && records[index].stage == .active {
            records[index].lastEnd = max(records[index].lastEnd, end)
        }
    }

    /// Announces a new root.
    mutating func announceRoot(at now: Int64) throws(Failure) -> Step {
        if announced != nil { throw .isRotating }
        let id = nextID
        let next: AuthorityRecord
        do {
            let root = try Self.root(id, trustDomain, policy, now)
            // Whoever holds none of these was told when the certificate was issued.
            let lastEnd = records.map(\.lastEnd).max() ?? 0
            next = try record(
                id, .root, nil, .announced, root, now,
                readyAt: max(now, lastEnd) + policy.clockSkew)
        } catch {
            throw .library(error)
        }
        records.append(next)
        return "announced root \(id)"
    }

    /// Issues with a new intermediate authority from now on.
    mutating func renewIntermediate(at now: Int64) throws(Failure) -> Step {
        let id = nextID
        let parent = records.first { $0.kind == .root && $0.stage == .active }?.id
        do {
            let next = try Self.intermediate(id, root, trustDomain, policy, now)
            let made = try record(id, .intermediate, parent, .active, next, now)
            retire(.intermediate)
            records.append(made)
            intermediate = next
        } catch {
            throw .library(error)
        }
        return "issues with intermediate authority \(id)"
    }

    /// Makes the one step that is due, if there is one; to be asked again after each.
    mutating func step(at now: Int64) throws(Failure) -> Step? {
        if let step = dropEnded(at: now) { return step }
        if let announced, let readyAt = announced.readyAt, readyAt <= now {
            let next = try Self.authority(announced, key)
            retire(.root)
            for index in records.indices where records[index].id == announced.id {
                records[index].stage = .active
            }
            root = next
            let step = try renewIntermediate(at: now)
            return "root \(announced.id) is active, \(step)"
        }
        if root.validity.upperBound - now < policy.rootMargin, announced == nil {
            return try announceRoot(at: now)
        }
        let isShort = intermediate.validity.upperBound - now < policy.intermediateMargin
        // Below a root that is about to end it would be no longer.
        if isShort, intermediate.validity.upperBound < root.validity.upperBound {
            return try renewIntermediate(at: now)
        }
        return nil
    }

    /// Removes a retired authority that nothing good hangs on any more.
    private mutating func dropEnded(at now: Int64) -> Step? {
        let ended = records.firstIndex { record in
            guard record.stage == .retiring else { return false }
            switch record.kind {
            case .intermediate: return record.lastEnd + policy.clockSkew < now
            case .root: return !records.contains { $0.parent == record.id }
            }
        }
        guard let ended else { return nil }
        let gone = records.remove(at: ended)
        return "dropped \(gone.kind == .root ? "root" : "intermediate authority") \(gone.id)"
    }

    /// What is active now signs nothing any more: its key is forgotten.
    private mutating func retire(_ kind: AuthorityRecord.Kind) {
        for index in records.indices
        where records[index].kind == kind && records[index].stage == .active {
            records[index].stage = .retiring
            records[index].sealedKey = nil
        }
    }

    private var nextID: Int64 { (records.map(\.id).max() ?? 0) + 1 }

    private func record(
        _ id: Int64, _ kind: AuthorityRecord.Kind, _ parent: Int64?,
        _ stage: AuthorityRecord.Stage, _ authority: Authority, _ now: Int64, readyAt: Int64? = nil
    ) throws(TLSError) -> AuthorityRecord {
        AuthorityRecord(
            id: id, kind: kind, parent: parent, stage: stage,
            certificate: String(decoding: authority.certificate, as: UTF8.self),
            sealedKey: try key.seal(authority.key.pem, label: Self.label(id)), madeAt: now,
            readyAt: readyAt, lastEnd: 0)
    }

    private static func label(_ id: Int64) -> String { "authority \(id)" }

    private static func root(
        _ id: Int64, _ trustDomain: String, _ policy: AuthorityPolicy, _ now: Int64
    ) throws(TLSError) -> Authority {
        try .root(
            named: "Pointsman root \(id)", trustDomain: trustDomain,
            validity: now - policy.clockSkew...now + policy.rootLifetime)
    }

    private static func intermediate(
        _ id: Int64, _ root: Authority, _ trustDomain: String, _ policy: AuthorityPolicy,
        _ now: Int64
    ) throws(TLSError) -> Authority {
        try root.intermediate(
            named: "Pointsman intermediate \(id)", trustDomain: trustDomain,
            validity: now - policy.clockSkew...now + policy.intermediateLifetime)
    }

    private static func authority(
        _ record: AuthorityRecord, _ key: SealingKey
    ) throws(Failure) -> Authority {
        let name = "authority \(record.id)"
        guard let sealed = record.sealedKey,
            let pem = key.open(sealed, label: label(record.id)), let own = PrivateKey(pem: pem)
        else { throw .damaged("the key of \(name) cannot be opened") }
        do {
            return try Authority(certificate: Array(record.certificate.utf8), key: own)
        } catch {
            throw .damaged("\(name) is not what it was")
        }
    }
}
