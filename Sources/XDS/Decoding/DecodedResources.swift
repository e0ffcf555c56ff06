public import Mesh

/// The resources of one response by name, as values.
public enum DecodedResources: Equatable, Sendable {
    case listeners([String: Listener])
    case routeConfigurations([String: RouteConfiguration])
    case clusters([String: Cluster])
    case endpointAssignments([String: EndpointAssignment])
    case secrets([String: Secret])

    public var names: Set<String> {
        switch self {
        case .listeners(let values): Set(values.keys)
        case .routeConfigurations(let values): Set(values.keys)
        case .clusters(let values): Set(values.keys)
        case .endpointAssignments(let values): Set(values.keys)
        case .secrets(let values): Set(values.keys)
        }
    }
}

extension DecodedResources {
    /// Listeners and clusters that want secrets of the bootstrap file which it does not have.
    func unknownSecrets(notIn fixed: Snapshot) -> [ResourceError] {
        let users: [(ResourceType, String, [SecretReference])] =
            switch self {
            case .listeners(let values):
                values.map { (.listener, $0.key, $0.value.secretReferences) }
            case .clusters(let values):
                values.map { (.cluster, $0.key, $0.value.secretReferences) }
            case .routeConfigurations, .endpointAssignments, .secrets: []
            }
        return users.sorted { $0.1 < $1.1 }.compactMap { type, name, references in
            fixed.unknownSecretName(in: references).map {
                ResourceError(
                    type, name, path: "transport_socket",
                    "the bootstrap file has no secret \"\($0)\"")
            }
        }
    }
}

/// Why a response is refused: every resource that is wrong, up to a limit.
public struct ResponseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Most errors that are told; a control plane that gets everything wrong need not hear it all.
    public static let errorLimit = 10
    /// Most bytes of the text that goes into a NACK.
    public static let textLimit = 4096

    public let errors: [ResourceError]
    public let errorCount: Int

    public var description: String {
        var text = errors.map(\.description).joined(separator: "; ")
        if errorCount > errors.count { text += "; and \(errorCount - errors.count) more" }
        if text.utf8.count <= Self.textLimit { return text }
        return String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self) + "…"
    }
}

extension ResourceDecoder {
    /// Reads all resources of a response, or refuses it as a whole (gRFC A46 would take the rest).
    ///
    /// - Throws: ``ResponseError`` with each resource that is wrong, is of another type than the
    ///   response, or has a name that stands twice.
    public mutating func decode(
        _ type: ResourceType, _ entries: [DiscoveryResponse.Entry]
    ) throws(ResponseError) -> DecodedResources {
        switch type {
        case .listener:
            .listeners(
                try values(type, entries, \.name) { decoder, body throws(ResourceError) in
                    try decoder.listener(body)
                })
        case .routeConfiguration:
            .routeConfigurations(
                try values(type, entries, \.name) { decoder, body throws(ResourceError) in
                    try decoder.routeConfiguration(body)
                })
        case .cluster:
            .clusters(
                try values(type, entries, \.name) { decoder, body throws(ResourceError) in
                    try decoder.cluster(body)
                })
        case .endpointAssignment:
            .endpointAssignments(
                try values(type, entries, \.clusterName) { decoder, body throws(ResourceError) in
                    try decoder.endpointAssignment(body)
                })
        case .secret:
            .secrets(
                try values(type, entries, \.name) { decoder, body throws(ResourceError) in
                    try decoder.secret(body)
                })
        }
    }

    private mutating func values<Value>(
        _ type: ResourceType, _ entries: [DiscoveryResponse.Entry],
        _ name: (Value) -> String,
        _ decode: (inout ResourceDecoder, [UInt8]) throws(ResourceError) -> Value
    ) throws(ResponseError) -> [String: Value] {
        var values: [String: Value] = [:]
        values.reserveCapacity(entries.count)
        var errors: [ResourceError] = []
        var errorCount = 0
        for entry in entries {
            do throws(ResourceError) {
                if entry.typeURL != type.typeURL {
                    throw ResourceError(type, "", path: "", "is a \(entry.typeURL)")
                }
                let value = try decode(&self, entry.body)
                if values.updateValue(value, forKey: name(value)) != nil {
                    throw ResourceError(type, name(value), path: "name", "stands twice")
                }
            } catch {
                errorCount += 1
                if errors.count < ResponseError.errorLimit { errors.append(error) }
            }
        }
        if errorCount > 0 { throw ResponseError(errors: errors, errorCount: errorCount) }
        return values
    }
}
