import Mesh
import TLS

/// What a workload asks for.
struct IssueWish {
    /// PKCS#10 in PEM.
    let signingRequest: [UInt8]
    /// In seconds; zero for what is usual.
    let lifetime: Int64
}

/// Certificates.
extension MeshAuthority {
    /// A certificate with what stands behind it.
    struct Issue {
        /// In PEM, the own one first.
        let chain: [String]
        let validity: Authority.Validity
    }

    /// Answers a workload that shows a token or its certificate.
    ///
    /// - Parameters:
    ///   - request: What it wants.
    ///   - authorization: The metadata's; when there is one, it counts and no certificate.
    ///   - peer: Whose certificate was verified.
    ///   - address: Where it asks from.
    ///   - time: Since any fixed point.
    /// - Returns: What the store knows to be issued.
    /// - Throws: ``Refusal``; then nothing was issued.
    func answer(
        _ request: IssueWish, authorization: String?, peer: PeerIdentity?, address: String,
        at time: Duration
    ) throws(Refusal) -> Issue {
        let (identity, token) = try applicant(authorization, peer)
        try admit(identity, at: time)
        let signingRequest: SigningRequest
        do {
            signingRequest = try SigningRequest(pem: request.signingRequest)
        } catch {
            throw .invalid("the signing request \(error.reason)")
        }
        return try issue(
            identity, lifetime: request.lifetime, ground: token == nil ? .certificate : .token,
            address: address, token: token
        ) { authority, names, validity throws(TLSError) in
            try authority.issue(names, for: signingRequest, validity: validity)
        }
    }

    /// Makes a key and a certificate for a client that has shown who it is and asks for secrets.
    func makeSecret(
        for identity: WorkloadIdentity, address: String, at time: Duration
    ) throws(Refusal) -> (Issue, PrivateKey) {
        try admit(identity, at: time)
        return try make(identity, ground: .secret, address: address) { $0 }
    }

    /// Makes the control plane's own.
    ///
    /// - Parameter addresses: By which clients may know it, beside its identity.
    /// - Returns: A certificate and its key, which is not kept.
    /// - Throws: ``Refusal``.
    func makeOwn(addresses: [String]) throws(Refusal) -> (Issue, PrivateKey) {
        let own: WorkloadIdentity
        do {
            own = try WorkloadIdentity(namespace: Self.ownNamespace, account: Self.ownAccount)
        } catch {
            throw .unavailable(error.description)
        }
        return try make(own, ground: .own, address: "") { names in
            var names = names
            names.dnsNames = ["pointsman-control", "localhost"]
            names.ipAddresses = addresses
            return names
        }
    }

    /// Whether a certificate that was verified once has ended meanwhile.
    func hasEnded(_ peer: PeerIdentity) -> Bool { peer.endsAt <= now() }

    /// Who a verified peer is; `nil` for one that is none of this mesh's.
    func identity(of peer: PeerIdentity) -> WorkloadIdentity? {
        peer.spiffeID.flatMap { WorkloadIdentity(spiffeID: $0, in: trustDomain) }
    }

    private func make(
        _ identity: WorkloadIdentity, ground: IssuedRecord.Ground, address: String,
        naming: (WorkloadNames) -> WorkloadNames
    ) throws(Refusal) -> (Issue, PrivateKey) {
        let key: PrivateKey
        do {
            key = try PrivateKey.generated()
        } catch {
            throw .unavailable("no key could be made")
        }
        let issue = try issue(
            identity, lifetime: 0, ground: ground, address: address, token: nil
        ) { authority, names, validity throws(TLSError) in
            try authority.issue(naming(names), for: key, validity: validity)
        }
        return (issue, key)
    }

    private func applicant(
        _ authorization: String?, _ peer: PeerIdentity?
    ) throws(Refusal) -> (WorkloadIdentity, token: String?) {
        if let authorization {
            let token = try token(authorization)
            do {
                return (try WorkloadIdentity(parsing: token.identity), token.id)
            } catch {
                throw .unavailable("the token is damaged")
            }
        }
        guard let peer else {
            throw .unauthenticated("a bootstrap token or a certificate of the mesh is needed")
        }
        guard let identity = identity(of: peer) else {
            throw .unauthenticated("the certificate names no workload of \(trustDomain)")
        }
        if hasEnded(peer) { throw .unauthenticated("the certificate has ended") }
        return (identity, nil)
    }

    private func admit(_ identity: WorkloadIdentity, at time: Duration) throws(Refusal) {
        guard rate.take("\(identity)", at: time) else {
            throw .tooMany("\(identity) asks for more than \(Int(IssueRate.perSecond)) a second")
        }
    }

    private func issue(
        _ identity: WorkloadIdentity, lifetime: Int64, ground: IssuedRecord.Ground,
        address: String, token: String?,
        make: (Authority, WorkloadNames, Authority.Validity) throws(TLSError) -> IssuedCertificate
    ) throws(Refusal) -> Issue {
        let time = now()
        let wished = lifetime == 0 ? policy.certificateLifetime : lifetime
        let granted = min(
            max(wished, AuthorityPolicy.shortestLifetime), policy.certificateLifetime)
        // One that seems to be half over when it is made would be renewed at once.
        let start = time - min(policy.clockSkew, granted / 2)
        guard let issuer = authorities.activeIntermediate else {
            throw .unavailable("no authority")
        }
        let chain: [String]
        let made: IssuedCertificate
        do {
            made = try make(
                authorities.intermediate, WorkloadNames(uri: identity.spiffeID(in: trustDomain)),
                start...time + granted)
            chain = [String(decoding: made.certificate, as: UTF8.self), issuer.certificate]
            // What a peer would refuse is never handed out.
            try CertificateChain.verify(
                Array(chain.joined().utf8), against: authorities.root.certificate, at: time)
        } catch {
            throw .unavailable("no certificate could be made: \(error)")
        }
        let record = IssuedRecord(
            serial: made.serial, identity: "\(identity)", issuer: issuer.id, ground: ground,
            address: address, issuedAt: time, notAfter: made.validity.upperBound)
        do {
            guard try store.issue(record, token: token) else {
                throw Refusal.unauthenticated("the token is used up")
            }
        } catch let error as StoreError {
            throw .unavailable(error.reason)
        } catch let error as Refusal {
            throw error
        } catch {
            throw .unavailable("\(error)")
        }
        noteIssued(ground, until: made.validity.upperBound)
        return Issue(chain: chain, validity: made.validity)
    }
}

extension SigningRequest.Fault {
    /// Goes on after "the signing request".
    fileprivate var reason: String {
        switch self {
        case .tooLarge: "is longer than \(SigningRequest.byteLimit) bytes"
        case .unreadable: "is not PKCS#10 in PEM"
        case .signature: "is not signed with the key in it"
        case .keyKind: "has a key that is neither EC on P-256 or P-384 nor RSA"
        case .keySize: "has an RSA key that is not of 2048 to 4096 bits"
        }
    }
}
