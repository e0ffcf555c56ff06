import FoundationEssentials
package import SwiftProtobuf

/// Short names for the messages that are generated from `Protos`.
package enum Proto {
    package typealias Listener = Envoy_Config_Listener_V3_Listener
    package typealias FilterChain = Envoy_Config_Listener_V3_FilterChain
    package typealias Filter = Envoy_Config_Listener_V3_Filter
    package typealias AccessLog = Envoy_Config_Accesslog_V3_AccessLog
    package typealias FileAccessLog = Envoy_Extensions_AccessLoggers_File_V3_FileAccessLog
    package typealias StdoutAccessLog = Envoy_Extensions_AccessLoggers_Stream_V3_StdoutAccessLog
    package typealias HTTPConnectionManager =
        Envoy_Extensions_Filters_Network_HttpConnectionManager_V3_HttpConnectionManager
    package typealias HTTPFilter =
        Envoy_Extensions_Filters_Network_HttpConnectionManager_V3_HttpFilter
    package typealias Rds = Envoy_Extensions_Filters_Network_HttpConnectionManager_V3_Rds
    package typealias TCPProxy = Envoy_Extensions_Filters_Network_TcpProxy_V3_TcpProxy
    package typealias Router = Envoy_Extensions_Filters_Http_Router_V3_Router
    package typealias AccessFilter = Envoy_Extensions_Filters_Http_Rbac_V3_RBAC
    package typealias AccessRules = Envoy_Config_Rbac_V3_RBAC
    package typealias AccessPolicy = Envoy_Config_Rbac_V3_Policy
    package typealias Permission = Envoy_Config_Rbac_V3_Permission
    package typealias Principal = Envoy_Config_Rbac_V3_Principal
    package typealias RawBuffer = Envoy_Extensions_TransportSockets_RawBuffer_V3_RawBuffer
    package typealias FilterChainMatch = Envoy_Config_Listener_V3_FilterChainMatch
    package typealias ListenerFilter = Envoy_Config_Listener_V3_ListenerFilter
    package typealias TLSInspector =
        Envoy_Extensions_Filters_Listener_TlsInspector_V3_TlsInspector

    package typealias DownstreamTLSContext =
        Envoy_Extensions_TransportSockets_Tls_V3_DownstreamTlsContext
    package typealias UpstreamTLSContext =
        Envoy_Extensions_TransportSockets_Tls_V3_UpstreamTlsContext
    package typealias CommonTLSContext = Envoy_Extensions_TransportSockets_Tls_V3_CommonTlsContext
    package typealias TLSParameters = Envoy_Extensions_TransportSockets_Tls_V3_TlsParameters
    package typealias TLSCertificate = Envoy_Extensions_TransportSockets_Tls_V3_TlsCertificate
    package typealias CertificateValidation =
        Envoy_Extensions_TransportSockets_Tls_V3_CertificateValidationContext
    package typealias Secret = Envoy_Extensions_TransportSockets_Tls_V3_Secret
    package typealias SecretConfig = Envoy_Extensions_TransportSockets_Tls_V3_SdsSecretConfig
    package typealias CombinedValidation =
        Envoy_Extensions_TransportSockets_Tls_V3_CommonTlsContext
        .CombinedCertificateValidationContext
    package typealias SubjectNameMatcher =
        Envoy_Extensions_TransportSockets_Tls_V3_SubjectAltNameMatcher
    package typealias DataSource = Envoy_Config_Core_V3_DataSource

    package typealias RouteConfiguration = Envoy_Config_Route_V3_RouteConfiguration
    package typealias VirtualHost = Envoy_Config_Route_V3_VirtualHost
    package typealias Route = Envoy_Config_Route_V3_Route
    package typealias RouteMatch = Envoy_Config_Route_V3_RouteMatch
    package typealias HeaderMatcher = Envoy_Config_Route_V3_HeaderMatcher
    package typealias QueryParameterMatcher = Envoy_Config_Route_V3_QueryParameterMatcher
    package typealias RouteAction = Envoy_Config_Route_V3_RouteAction
    package typealias RedirectAction = Envoy_Config_Route_V3_RedirectAction
    package typealias DirectResponseAction = Envoy_Config_Route_V3_DirectResponseAction
    package typealias WeightedCluster = Envoy_Config_Route_V3_WeightedCluster
    package typealias RetryPolicy = Envoy_Config_Route_V3_RetryPolicy
    package typealias RegexRewrite = Envoy_Config_Route_V3_RegexMatchAndSubstitute
    package typealias StringMatcher = Envoy_Type_Matcher_V3_StringMatcher
    package typealias PathMatcher = Envoy_Type_Matcher_V3_PathMatcher
    package typealias RegexMatcher = Envoy_Type_Matcher_V3_RegexMatcher

    package typealias Cluster = Envoy_Config_Cluster_V3_Cluster
    package typealias CircuitBreakers = Envoy_Config_Cluster_V3_CircuitBreakers
    package typealias OutlierDetection = Envoy_Config_Cluster_V3_OutlierDetection
    package typealias UpstreamOptions = Envoy_Extensions_Upstreams_Http_V3_HttpProtocolOptions
    package typealias ClusterLoadAssignment = Envoy_Config_Endpoint_V3_ClusterLoadAssignment
    package typealias LocalityEndpoints = Envoy_Config_Endpoint_V3_LocalityLbEndpoints
    package typealias LbEndpoint = Envoy_Config_Endpoint_V3_LbEndpoint

    package typealias Node = Envoy_Config_Core_V3_Node
    package typealias Locality = Envoy_Config_Core_V3_Locality
    package typealias Address = Envoy_Config_Core_V3_Address
    package typealias AddressRange = Envoy_Config_Core_V3_CidrRange
    package typealias ConfigSource = Envoy_Config_Core_V3_ConfigSource
    package typealias HeaderValueOption = Envoy_Config_Core_V3_HeaderValueOption
    package typealias HTTP2Options = Envoy_Config_Core_V3_Http2ProtocolOptions
    package typealias KeepAliveSettings = Envoy_Config_Core_V3_KeepaliveSettings
    package typealias CommonHTTPOptions = Envoy_Config_Core_V3_HttpProtocolOptions
    package typealias TransportSocket = Envoy_Config_Core_V3_TransportSocket
    package typealias HealthStatus = Envoy_Config_Core_V3_HealthStatus

    package typealias DiscoveryRequest = Envoy_Service_Discovery_V3_DiscoveryRequest
    package typealias DiscoveryResponse = Envoy_Service_Discovery_V3_DiscoveryResponse
    package typealias IssueRequest = Pointsman_Identity_V1_IssueRequest
    package typealias IssueResponse = Pointsman_Identity_V1_IssueResponse
    package typealias Bootstrap = Envoy_Config_Bootstrap_V3_Bootstrap

    package typealias `Any` = Google_Protobuf_Any
    package typealias Duration = Google_Protobuf_Duration
    package typealias UInt32Value = Google_Protobuf_UInt32Value
    package typealias UInt64Value = Google_Protobuf_UInt64Value
    package typealias BoolValue = Google_Protobuf_BoolValue
    package typealias Struct = Google_Protobuf_Struct

    /// Makes the messages known that stand inside of others as `Any`, for their form in JSON.
    package static func registerTypes() {
        for type: any Message.Type in [
            HTTPConnectionManager.self, TCPProxy.self, Router.self, UpstreamOptions.self,
            RawBuffer.self, FileAccessLog.self, StdoutAccessLog.self, DownstreamTLSContext.self,
            UpstreamTLSContext.self, TLSInspector.self, AccessFilter.self, Secret.self,
        ] {
            _ = Google_Protobuf_Any.register(messageType: type)
        }
    }
}

extension Message {
    package static var typeURL: String { ResourceType.prefix + protoMessageName }

    /// The serialised form, the same for the same values.
    package var bytes: [UInt8] {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        // Only a required field, which proto3 lacks, or an `Any` made from JSON can fail here.
        return (try? serializedBytes(partial: true, options: options)) ?? []
    }

    package var packed: Proto.`Any` {
        var any = Proto.`Any`()
        any.typeURL = Self.typeURL
        any.value = .init(bytes)
        return any
    }

    static func json(_ body: [UInt8]) throws -> String {
        Proto.registerTypes()
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        return try Self(serializedBytes: body, partial: true).jsonString(options: options)
    }
}
