import SwiftProtobuf

/// Who asks a control plane for configuration: `envoy.config.core.v3.Node`.
public struct NodeIdentity: Equatable, Sendable {
    public var id: String
    /// The service that the proxy stands beside.
    public var cluster: String
    public var metadata: [String: MetadataValue]
    public var region: String
    public var zone: String
    public var subZone: String
    /// What software it is, such as `pointsman` or `envoy`.
    public var userAgentName: String
    public var userAgentVersion: String
    public var clientFeatures: [String]

    public init(
        id: String, cluster: String, metadata: [String: MetadataValue] = [:],
        region: String = "", zone: String = "", subZone: String = "",
        userAgentName: String = "pointsman", userAgentVersion: String = "",
        clientFeatures: [String] = []
    ) {
        self.id = id
        self.cluster = cluster
        self.metadata = metadata
        self.region = region
        self.zone = zone
        self.subZone = subZone
        self.userAgentName = userAgentName
        self.userAgentVersion = userAgentVersion
        self.clientFeatures = clientFeatures
    }

    init(_ message: Proto.Node) {
        let version: String =
            switch message.userAgentVersionType {
            case .userAgentVersion(let text): text
            case .userAgentBuildVersion(let build):
                "\(build.version.majorNumber).\(build.version.minorNumber).\(build.version.patch)"
            case nil: ""
            }
        self.init(
            id: message.id, cluster: message.cluster,
            metadata: message.metadata.fields.mapValues(MetadataValue.init),
            region: message.locality.region, zone: message.locality.zone,
            subZone: message.locality.subZone, userAgentName: message.userAgentName,
            userAgentVersion: version, clientFeatures: message.clientFeatures)
    }

    var message: Proto.Node {
        var message = Proto.Node()
        message.id = id
        message.cluster = cluster
        if !metadata.isEmpty { message.metadata.fields = metadata.mapValues(\.message) }
        if !(region.isEmpty && zone.isEmpty && subZone.isEmpty) {
            message.locality.region = region
            message.locality.zone = zone
            message.locality.subZone = subZone
        }
        message.userAgentName = userAgentName
        if !userAgentVersion.isEmpty { message.userAgentVersion = userAgentVersion }
        message.clientFeatures = clientFeatures
        return message
    }
}

/// A value in the metadata of a node: `google.protobuf.Value`.
public indirect enum MetadataValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case list([MetadataValue])
    case object([String: MetadataValue])

    /// The text, when it is a string.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    init(_ message: Google_Protobuf_Value) {
        self =
            switch message.kind {
            case .nullValue, nil: .null
            case .boolValue(let value): .bool(value)
            case .numberValue(let value): .number(value)
            case .stringValue(let value): .string(value)
            case .listValue(let list): .list(list.values.map(MetadataValue.init))
            case .structValue(let object):
                .object(object.fields.mapValues(MetadataValue.init))
            }
    }

    var message: Google_Protobuf_Value {
        var message = Google_Protobuf_Value()
        message.kind =
            switch self {
            case .null: .nullValue(.nullValue)
            case .bool(let value): .boolValue(value)
            case .number(let value): .numberValue(value)
            case .string(let value): .stringValue(value)
            case .list(let values): .listValue(.init(values: values.map(\.message)))
            case .object(let fields): .structValue(.init(fields: fields.mapValues(\.message)))
            }
        return message
    }
}
