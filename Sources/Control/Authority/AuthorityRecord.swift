/// An authority as the store keeps it.
struct AuthorityRecord: Equatable {
    enum Kind: String {
        case root
        case intermediate
    }

    /// What an authority is there for.
    enum Stage: String, CaseIterable {
        /// A root that is told to everybody, and that nothing hangs on yet.
        case announced
        /// What certificates are issued with.
        case active
        /// Accepted until nothing that is good hangs on it any more.
        case retiring
    }

    /// Larger than those before.
    let id: Int64
    let kind: Kind
    /// The root of an intermediate authority.
    let parent: Int64?
    var stage: Stage
    /// In PEM.
    let certificate: String
    /// `nil` when it will never sign again.
    var sealedKey: [UInt8]?
    /// Seconds since 1970, as all times here.
    let madeAt: Int64
    /// When everybody who holds a good certificate has been told of a root that is announced.
    let readyAt: Int64?
    /// When the last of the certificates ends that it has issued; zero before the first.
    var lastEnd: Int64
}

/// What a mesh's authority is from its first start on.
struct AuthorityFoundation: Equatable {
    let trustDomain: String
    /// Makes the key that seals out of the key file.
    let salt: [UInt8]
    /// Something known, sealed: whoever opens it has the right key file.
    let check: [UInt8]
}

/// A permission to ask for certificates of one identity; who has its text may use it.
struct TokenRecord: Equatable {
    /// Not secret.
    let id: String
    /// SHA-256 of the secret part.
    let digest: [UInt8]
    /// As `NAMESPACE/ACCOUNT`.
    let identity: String
    let madeAt: Int64
    let madeBy: String
    let expiresAt: Int64
    let uses: Int64
    var usesLeft: Int64
}

/// A certificate that was issued.
struct IssuedRecord: Equatable {
    /// How its holder has shown who it is.
    enum Ground: String, CaseIterable {
        case token
        case certificate
        /// Made here with its key, for a client that asks for secrets.
        case secret
        /// The control plane's own.
        case own
    }

    let serial: String
    /// As `NAMESPACE/ACCOUNT`.
    let identity: String
    let issuer: Int64
    let ground: Ground
    /// Where it was asked from; empty for the own.
    let address: String
    let issuedAt: Int64
    let notAfter: Int64
}

/// Something that was done to the authority.
struct AuthorityEvent: Equatable {
    let at: Int64
    let who: String
    let what: String
}
