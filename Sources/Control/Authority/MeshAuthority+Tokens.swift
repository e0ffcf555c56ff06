import Mesh
import TLS

/// Bootstrap tokens.
extension MeshAuthority {
    /// Why no token is made.
    enum TokenFailure: Error {
        case tooMany
        case library(TLSError)
        case store(StoreError)
    }

    /// Makes a token.
    ///
    /// - Returns: What is kept, and the text, which is not.
    func makeToken(
        for identity: WorkloadIdentity, lifetime: Int64, uses: Int64, who: String
    ) throws(TokenFailure) -> (TokenRecord, text: String) {
        let time = now()
        do {
            try store.prune(at: time)
            guard try store.tokens().count < BootstrapToken.countLimit else {
                throw TokenFailure.tooMany
            }
            let token = try BootstrapToken()
            let record = TokenRecord(
                id: token.id, digest: try token.digest, identity: "\(identity)", madeAt: time,
                madeBy: who, expiresAt: time + lifetime, uses: uses, usesLeft: uses)
            let what = "made token \(token.id) for \(identity), \(uses) uses in \(lifetime) s"
            try store.add(record, AuthorityEvent(at: time, who: who, what: what))
            onEvent("authority: \(what) (\(who))")
            return (record, token.text)
        } catch let error as StoreError {
            throw .store(error)
        } catch let error as TLSError {
            throw .library(error)
        } catch let error as TokenFailure {
            throw error
        } catch {
            throw .store(.failed(reason: "\(error)"))
        }
    }

    /// Withdraws a token; what was issued for it stays good.
    ///
    /// - Returns: Whether it was there.
    func removeToken(_ id: String, who: String) throws(StoreError) -> Bool {
        let what = "withdrew token \(id)"
        let event = AuthorityEvent(at: now(), who: who, what: what)
        let isFound = try store.removeToken(id, event)
        if isFound { onEvent("authority: \(what) (\(who))") }
        return isFound
    }

    /// The token that an `authorization` field holds, when it is good.
    func token(_ authorization: String) throws(Refusal) -> TokenRecord {
        let unknown = Refusal.unauthenticated("the token is unknown")
        guard let given = BootstrapToken(authorization: authorization) else { throw unknown }
        let record: TokenRecord?
        let digest: [UInt8]
        do {
            digest = try given.digest
            record = try store.token(given.id)
        } catch let error as StoreError {
            throw .unavailable(error.reason)
        } catch {
            throw .unavailable("\(error)")
        }
        // Compared also where there is none, so that the time tells nothing.
        let isRight = SecureBytes.areEqual(
            digest, record?.digest ?? [UInt8](repeating: 0, count: 32))
        guard let record, isRight else { throw unknown }
        if record.expiresAt <= now() { throw .unauthenticated("the token has expired") }
        if record.usesLeft <= 0 { throw .unauthenticated("the token is used up") }
        return record
    }
}
