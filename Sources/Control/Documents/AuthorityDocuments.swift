import Mesh

/// The mesh's authority as it is.
struct AuthorityDocument: Encodable {
    struct Certificate: Encodable {
        let id: Int64
        let state: String
        let root: Int64?
        let madeAt: String
        /// When certificates will hang on a root that is announced, unless it does already.
        let readyAt: String?
        /// When the last certificate ends that hangs on it; `nil` when there is none.
        let lastEnd: String?
        let certificate: String

        init(_ record: AuthorityRecord, lastEnd: Int64) {
            id = record.id
            state = record.stage.rawValue
            root = record.parent
            madeAt = timeText(seconds: record.madeAt)
            readyAt = record.stage == .announced ? record.readyAt.map(timeText(seconds:)) : nil
            self.lastEnd = lastEnd == 0 ? nil : timeText(seconds: lastEnd)
            certificate = record.certificate
        }
    }

    let trustDomain: String
    let certificateLifetimeSeconds: Int64
    let rotating: Bool
    let roots: [Certificate]
    let intermediates: [Certificate]

    init(_ authority: MeshAuthority) {
        trustDomain = authority.trustDomain.name
        certificateLifetimeSeconds = authority.policy.certificateLifetime
        let records = authority.authorities.records
        rotating = records.contains { $0.kind == .root && $0.stage != .active }
        roots = records.filter { $0.kind == .root }.map { root in
            let ends = records.filter { $0.parent == root.id }.map(\.lastEnd)
            return Certificate(root, lastEnd: ends.max() ?? 0)
        }
        intermediates = records.filter { $0.kind == .intermediate }
            .map { Certificate($0, lastEnd: $0.lastEnd) }
    }
}

/// A bootstrap token that is wanted.
struct TokenRequestDocument: Decodable {
    let namespace: String?
    let account: String
    let lifetime: Int64?
    let uses: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case namespace
        case account
        case lifetime = "lifetime_seconds"
        case uses
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        namespace = try fields.optional(String.self, forKey: .namespace)
        account = try fields.decode(String.self, forKey: .account)
        lifetime = try fields.optional(Int64.self, forKey: .lifetime)
        uses = try fields.optional(Int64.self, forKey: .uses)
    }
}

struct TokenDocument: Encodable {
    let id: String
    let identity: String
    let madeAt: String
    let madeBy: String
    let expiresAt: String
    let uses: Int64
    let usesLeft: Int64
    /// Only in the answer that made it.
    let token: String?

    init(_ record: TokenRecord, text: String? = nil) {
        id = record.id
        identity = record.identity
        madeAt = timeText(seconds: record.madeAt)
        madeBy = record.madeBy
        expiresAt = timeText(seconds: record.expiresAt)
        uses = record.uses
        usesLeft = record.usesLeft
        token = text
    }
}

struct WithdrawnDocument: Encodable {
    let id: String
}

struct IssuedDocument: Encodable {
    let serial: String
    let identity: String
    let spiffeID: String
    let issuer: Int64
    let ground: String
    let address: String?
    let issuedAt: String
    let notAfter: String

    enum CodingKeys: String, CodingKey {
        case serial, identity, issuer, ground, address, issuedAt, notAfter
        case spiffeID = "spiffeId"
    }

    init(_ record: IssuedRecord, spiffeID: String) {
        serial = record.serial
        identity = record.identity
        self.spiffeID = spiffeID
        issuer = record.issuer
        ground = record.ground.rawValue
        address = record.address.isEmpty ? nil : record.address
        issuedAt = timeText(seconds: record.issuedAt)
        notAfter = timeText(seconds: record.notAfter)
    }
}

/// Which authority is to be replaced.
struct RotationRequestDocument: Decodable {
    enum Authority: String, Decodable {
        case root
        case intermediate
    }

    let authority: Authority

    enum CodingKeys: String, CodingKey, CaseIterable {
        case authority
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        let name = try fields.decode(String.self, forKey: .authority)
        guard let authority = Authority(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .authority, in: fields, debugDescription: "is not root or intermediate")
        }
        self.authority = authority
    }
}

struct AuthorityEventDocument: Encodable {
    let at: String
    let who: String
    let what: String

    init(_ event: AuthorityEvent) {
        at = timeText(seconds: event.at)
        who = event.who
        what = event.what
    }
}

/// A moment in seconds since 1970 as it is written in JSON (RFC 3339 §5.6).
private func timeText(seconds: Int64) -> String { timeText(seconds * 1000) }
