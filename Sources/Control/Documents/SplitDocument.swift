import FoundationEssentials

/// A split as it is asked for.
struct SplitRequestDocument: Decodable {
    let weights: [String: Decimal]
    let reason: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case weights
        case reason
        // What a reply says besides, so that it can be sent back.
        case service
        case route
        case revision
    }

    let service: String?
    let route: String?
    let revision: UInt64?

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        weights = try fields.decode([String: Decimal].self, forKey: .weights)
        reason = try fields.optional(String.self, forKey: .reason)
        service = try fields.optional(String.self, forKey: .service)
        route = try fields.optional(String.self, forKey: .route)
        revision = try fields.optionalRevision(forKey: .revision)
    }
}

/// A split as it is, in percent.
struct SplitDocument: Encodable {
    let service: String
    let route: String
    let weights: [String: Decimal]
    let revision: UInt64
}

/// What goes with a restore.
struct RestoreDocument: Decodable {
    let reason: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case reason
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        reason = try fields.optional(String.self, forKey: .reason)
    }
}
