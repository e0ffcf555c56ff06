import FoundationEssentials
import SwiftProtobuf

/// The stream over which a proxy asks and a control plane answers, all types on one.
public enum AggregatedDiscoveryService {
    /// `:path` of the state-of-the-world stream.
    public static let streamPath =
        "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
}

/// What a client sends: a subscription, and what it thinks of the latest response.
public struct DiscoveryRequest: Equatable, Sendable {
    /// The version of the type that is in effect at the client; empty when there is none.
    public var version: String
    /// Sent at least with the first request of a stream.
    public var node: NodeIdentity?
    /// All names that are subscribed to; for listeners and clusters none stands for all.
    public var resourceNames: [String]
    public var typeURL: String
    /// The nonce of the response that this answers; empty when it answers none.
    public var responseNonce: String
    /// Why the response is refused; `nil` accepts it.
    public var errorDetail: String?

    public init(
        typeURL: String, version: String = "", node: NodeIdentity? = nil,
        resourceNames: [String] = [], responseNonce: String = "", errorDetail: String? = nil
    ) {
        self.typeURL = typeURL
        self.version = version
        self.node = node
        self.resourceNames = resourceNames
        self.responseNonce = responseNonce
        self.errorDetail = errorDetail
    }

    /// Reads a message; what it does not know is left out.
    ///
    /// - Throws: ``DiscoveryError/unreadableMessage``.
    public init(decoding bytes: [UInt8]) throws(DiscoveryError) {
        let message: Proto.DiscoveryRequest = try decode(bytes)
        version = message.versionInfo
        node = message.hasNode ? NodeIdentity(message.node) : nil
        resourceNames = message.resourceNames
        typeURL = message.typeURL
        responseNonce = message.responseNonce
        errorDetail = message.hasErrorDetail ? message.errorDetail.message : nil
    }

    public var encoded: [UInt8] {
        var message = Proto.DiscoveryRequest()
        message.versionInfo = version
        if let node { message.node = node.message }
        message.resourceNames = resourceNames
        message.typeURL = typeURL
        message.responseNonce = responseNonce
        if let errorDetail {
            // INVALID_ARGUMENT of google.rpc.Code
            message.errorDetail.code = 3
            message.errorDetail.message = errorDetail
        }
        return message.bytes
    }
}

/// What a server sends: resources of one type.
public struct DiscoveryResponse: Equatable, Sendable {
    /// A `google.protobuf.Any` as it came.
    public struct Entry: Equatable, Sendable {
        public var typeURL: String
        public var body: [UInt8]

        public init(typeURL: String, body: [UInt8]) {
            self.typeURL = typeURL
            self.body = body
        }
    }

    public var version: String
    public var typeURL: String
    public var nonce: String
    public var resources: [Entry]
    /// Names the server that answered; empty when it did not say.
    public var controlPlane: String

    public init(
        typeURL: String, version: String, nonce: String, resources: [Entry],
        controlPlane: String = ""
    ) {
        self.typeURL = typeURL
        self.version = version
        self.nonce = nonce
        self.resources = resources
        self.controlPlane = controlPlane
    }

    public init(
        type: ResourceType, version: String, nonce: String, resources: [Resource],
        controlPlane: String = ""
    ) {
        self.init(
            typeURL: type.typeURL, version: version, nonce: nonce,
            resources: resources.map { Entry(typeURL: $0.type.typeURL, body: $0.body) },
            controlPlane: controlPlane)
    }

    /// Reads a message; what it does not know is left out.
    ///
    /// - Throws: ``DiscoveryError/unreadableMessage``.
    public init(decoding bytes: [UInt8]) throws(DiscoveryError) {
        let message: Proto.DiscoveryResponse = try decode(bytes)
        version = message.versionInfo
        typeURL = message.typeURL
        nonce = message.nonce
        resources = message.resources.map { Entry(typeURL: $0.typeURL, body: Array($0.value)) }
        controlPlane = message.controlPlane.identifier
    }

    public var encoded: [UInt8] {
        var message = Proto.DiscoveryResponse()
        message.versionInfo = version
        message.typeURL = typeURL
        message.nonce = nonce
        message.resources = resources.map { entry in
            var any = Proto.`Any`()
            any.typeURL = entry.typeURL
            any.value = Data(entry.body)
            return any
        }
        if !controlPlane.isEmpty { message.controlPlane.identifier = controlPlane }
        return message.bytes
    }
}

public enum DiscoveryError: Error, Equatable, Sendable {
    /// The bytes are not the message that the stream carries; the peer does not speak xDS.
    case unreadableMessage
}

func decode<M: Message>(_ bytes: [UInt8]) throws(DiscoveryError) -> M {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    do {
        return try M(serializedBytes: bytes, options: options)
    } catch {
        throw .unreadableMessage
    }
}
