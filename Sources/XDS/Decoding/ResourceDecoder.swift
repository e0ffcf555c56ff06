public import Mesh
import SwiftProtobuf

/// Turns resources into values of `Mesh`, and refuses what cannot be done as it was asked for.
///
/// An extension, filter or transport socket that is not known is an error, and so is a known field
/// that would have to guard or steer traffic and cannot. A field that is not known at all is
/// noted, as Envoy does, or refused if so wished.
public struct ResourceDecoder: Sendable {
    /// What `--reject-unknown-dynamic-fields` asks for.
    public let rejectsUnknownFields: Bool
    /// What was met so far, each once; at most ``unknownFieldLimit``.
    public private(set) var unknownFields: Set<UnknownField> = []
    /// How often something unknown was met.
    public private(set) var unknownFieldCount = 0

    public static let unknownFieldLimit = 1000

    public init(rejectsUnknownFields: Bool = false) {
        self.rejectsUnknownFields = rejectsUnknownFields
    }

    /// - Throws: ``ResourceError`` naming the listener and the field.
    public mutating func listener(_ body: [UInt8]) throws(ResourceError) -> Listener {
        let message: Proto.Listener = try read(.listener, body)
        return try checked(.listener, message.name) { decoder throws(MeshError) in
            try decoder.listener(message)
        }
    }

    /// - Throws: ``ResourceError`` naming the configuration and the field.
    public mutating func routeConfiguration(
        _ body: [UInt8]
    ) throws(ResourceError) -> RouteConfiguration {
        let message: Proto.RouteConfiguration = try read(.routeConfiguration, body)
        return try checked(.routeConfiguration, message.name) { decoder throws(MeshError) in
            // Only one that stands inside of a listener needs none.
            if message.name.isEmpty { throw MeshError("name", "must not be empty") }
            return try decoder.routeConfiguration(message)
        }
    }

    /// - Throws: ``ResourceError`` naming the cluster and the field.
    public mutating func cluster(_ body: [UInt8]) throws(ResourceError) -> Cluster {
        let message: Proto.Cluster = try read(.cluster, body)
        return try checked(.cluster, message.name) { decoder throws(MeshError) in
            try decoder.cluster(message)
        }
    }

    /// - Throws: ``ResourceError`` naming the assignment and the field.
    public mutating func endpointAssignment(
        _ body: [UInt8]
    ) throws(ResourceError) -> EndpointAssignment {
        let message: Proto.ClusterLoadAssignment = try read(.endpointAssignment, body)
        return try checked(.endpointAssignment, message.clusterName) { decoder throws(MeshError) in
            try decoder.endpointAssignment(message)
        }
    }

    /// - Throws: ``ResourceError`` naming the secret and the field.
    public mutating func secret(_ body: [UInt8]) throws(ResourceError) -> Secret {
        let message: Proto.Secret = try read(.secret, body)
        return try checked(.secret, message.name) { decoder throws(MeshError) in
            try decoder.secret(message)
        }
    }

    private func read<M: Message>(
        _ type: ResourceType, _ body: [UInt8]
    ) throws(ResourceError) -> M {
        do {
            return try M(serializedBytes: body)
        } catch {
            throw ResourceError(type, "", path: "", "not a readable \(M.protoMessageName)")
        }
    }

    private mutating func checked<Value>(
        _ type: ResourceType, _ name: String,
        _ decode: (inout ResourceDecoder) throws(MeshError) -> Value
    ) throws(ResourceError) -> Value {
        do {
            return try decode(&self)
        } catch {
            throw ResourceError(type, name, path: error.path, error.reason)
        }
    }

    /// Looks for what is not known in a message that stands on its own or in an `Any`.
    ///
    /// Called after the message was decoded, so that an error about its meaning comes first.
    mutating func noteUnknownFields(of message: some Message) throws(MeshError) {
        let visitor = UnknownFieldVisitor(over: message)
        if visitor.count == 0 { return }
        if rejectsUnknownFields {
            let all = visitor.fields.map(\.description).sorted()
            throw MeshError("", all.prefix(5).joined(separator: ", "))
        }
        unknownFieldCount += visitor.count
        for field in visitor.fields where unknownFields.count < Self.unknownFieldLimit {
            unknownFields.insert(field)
        }
    }

    /// What an `Any` holds, when it is an `M`.
    ///
    /// - Returns: `nil` when it holds another type.
    func unpack<M: Message>(
        _ any: Proto.`Any`, as type: M.Type
    ) throws(MeshError) -> M? {
        guard any.typeURL == M.typeURL else { return nil }
        do {
            return try M(serializedBytes: any.value)
        } catch {
            throw MeshError("", "not a readable \(M.protoMessageName)")
        }
    }
}
