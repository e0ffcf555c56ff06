import SwiftProtobuf

/// One resource as it goes over the wire: a `google.protobuf.Any` and the name in it.
public struct Resource: Hashable, Sendable {
    public let type: ResourceType
    public let name: String
    /// The serialised message.
    public let body: [UInt8]

    public init(type: ResourceType, name: String, body: [UInt8]) {
        self.type = type
        self.name = name
        self.body = body
    }

    init(_ type: ResourceType, name: String, _ message: some Message) {
        self.init(type: type, name: name, body: message.bytes)
    }

    /// The resource in the JSON form of protobuf with the field names of its proto; for people.
    ///
    /// - Throws: ``ResourceError`` when the body does not hold the message.
    public func json() throws(ResourceError) -> String {
        do {
            return switch type {
            case .listener: try Proto.Listener.json(body)
            case .routeConfiguration: try Proto.RouteConfiguration.json(body)
            case .cluster: try Proto.Cluster.json(body)
            case .endpointAssignment: try Proto.ClusterLoadAssignment.json(body)
            case .secret: try Proto.Secret.json(body)
            }
        } catch {
            throw ResourceError(type, name, path: "", "not a readable message")
        }
    }
}

/// Why a resource is refused; what an author of configurations has to correct.
public struct ResourceError: Error, Equatable, Sendable, CustomStringConvertible {
    public let type: ResourceType
    /// Empty when the resource could not be read so far.
    public let name: String
    /// The field that is wrong, such as `virtual_hosts[0].routes[2].match`; empty for the whole.
    public let path: String
    public let reason: String

    public init(_ type: ResourceType, _ name: String, path: String, _ reason: String) {
        self.type = type
        self.name = name
        self.path = path
        self.reason = reason
    }

    public var description: String {
        let subject = name.isEmpty ? type.name : "\(type.name) \"\(name)\""
        return path.isEmpty ? "\(subject): \(reason)" : "\(subject): \(path): \(reason)"
    }
}
