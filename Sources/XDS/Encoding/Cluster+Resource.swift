public import Mesh
import SwiftProtobuf

extension Cluster {
    public var resource: Resource {
        Resource(.cluster, name: name, message)
    }

    var message: Proto.Cluster {
        var message = Proto.Cluster()
        message.name = name
        switch discovery {
        case .static(let assignment):
            message.type = .static
            message.loadAssignment = assignment.message
        case .eds(let serviceName):
            message.type = .eds
            message.edsClusterConfig.edsConfig = .aggregated
            if serviceName != name { message.edsClusterConfig.serviceName = serviceName }
        }
        message.connectTimeout = .init(connectTimeout)
        switch loadBalancing {
        case .roundRobin: message.lbPolicy = .roundRobin
        case .random: message.lbPolicy = .random
        case .leastRequest(let choices):
            message.lbPolicy = .leastRequest
            message.leastRequestLbConfig.choiceCount = .init(choices)
        case .ringHash(let minimumSize, let maximumSize):
            message.lbPolicy = .ringHash
            message.ringHashLbConfig.minimumRingSize = .init(minimumSize)
            message.ringHashLbConfig.maximumRingSize = .init(maximumSize)
        }
        if circuitBreakers != CircuitBreakers() {
            message.circuitBreakers = circuitBreakers.message
        }
        if let outlierDetection { message.outlierDetection = outlierDetection.message }
        if panicThreshold != 50 {
            message.commonLbConfig.healthyPanicThreshold.value = panicThreshold
        }
        if let security { message.transportSocket = security.transportSocket }
        if let options = upstreamOptions {
            message.typedExtensionProtocolOptions = [
                Proto.UpstreamOptions.protoMessageName: options.packed
            ]
        }
        return message
    }

    /// `nil` when all is as it would be without the extension.
    private var upstreamOptions: Proto.UpstreamOptions? {
        let isStandard =
            upstreamProtocol == .http1 && http2Options == .standard
            && maximumRequestsPerConnection == nil && idleTimeout == .seconds(3600)
        if isStandard { return nil }
        var options = Proto.UpstreamOptions()
        switch upstreamProtocol {
        case .http1: options.explicitHTTPConfig.httpProtocolOptions = .init()
        case .http2: options.explicitHTTPConfig.http2ProtocolOptions = http2Options.message()
        case .negotiated:
            options.autoConfig = .init()
            if http2Options != .standard {
                options.autoConfig.http2ProtocolOptions = http2Options.message()
            }
        case .downstream:
            options.useDownstreamProtocolConfig = .init()
            if http2Options != .standard {
                options.useDownstreamProtocolConfig.http2ProtocolOptions = http2Options.message()
            }
        }
        if let maximumRequestsPerConnection {
            options.commonHTTPProtocolOptions.maxRequestsPerConnection =
                .init(maximumRequestsPerConnection)
        }
        if idleTimeout != .seconds(3600) {
            options.commonHTTPProtocolOptions.idleTimeout = .init(limit: idleTimeout)
        }
        return options
    }
}

extension HTTP2Options {
    /// Writes what is not as in `standard`.
    func message(standard: HTTP2Options = .standard) -> Proto.HTTP2Options {
        var message = Proto.HTTP2Options()
        if concurrentStreamCount != standard.concurrentStreamCount {
            message.maxConcurrentStreams = .init(concurrentStreamCount)
        }
        if streamWindowByteCount != standard.streamWindowByteCount {
            message.initialStreamWindowSize = .init(streamWindowByteCount)
        }
        if connectionWindowByteCount != standard.connectionWindowByteCount {
            message.initialConnectionWindowSize = .init(connectionWindowByteCount)
        }
        if let keepAlive {
            message.connectionKeepalive.interval = .init(keepAlive.interval)
            message.connectionKeepalive.timeout = .init(keepAlive.timeout)
        }
        message.allowConnect = allowsConnect
        return message
    }
}

extension CircuitBreakers {
    fileprivate var message: Proto.CircuitBreakers {
        var thresholds = Proto.CircuitBreakers.Thresholds()
        thresholds.maxConnections = .init(connections)
        thresholds.maxPendingRequests = .init(pendingRequests)
        thresholds.maxRequests = .init(requests)
        thresholds.maxRetries = .init(retries)
        var message = Proto.CircuitBreakers()
        message.thresholds = [thresholds]
        return message
    }
}

extension OutlierDetection {
    fileprivate var message: Proto.OutlierDetection {
        var message = Proto.OutlierDetection()
        message.consecutive5Xx = .init(consecutiveServerErrors)
        message.consecutiveGatewayFailure = .init(consecutiveGatewayFailures)
        message.interval = .init(interval)
        message.baseEjectionTime = .init(baseEjectionTime)
        message.maxEjectionTime = .init(maximumEjectionTime)
        message.maxEjectionPercent = .init(maximumEjectionPercent)
        message.enforcingConsecutive5Xx = .init(enforcingConsecutiveServerErrors)
        message.enforcingConsecutiveGatewayFailure = .init(enforcingConsecutiveGatewayFailures)
        return message
    }
}

extension EndpointAssignment {
    public var resource: Resource {
        Resource(.endpointAssignment, name: clusterName, message)
    }

    var message: Proto.ClusterLoadAssignment {
        var message = Proto.ClusterLoadAssignment()
        message.clusterName = clusterName
        message.endpoints = localities.map(\.message)
        if overprovisioningFactor != 140 {
            message.policy.overprovisioningFactor = .init(overprovisioningFactor)
        }
        return message
    }
}

extension LocalityEndpoints {
    fileprivate var message: Proto.LocalityEndpoints {
        var message = Proto.LocalityEndpoints()
        message.locality.region = locality.region
        message.locality.zone = locality.zone
        message.locality.subZone = locality.subZone
        message.priority = priority
        if let weight { message.loadBalancingWeight = .init(weight) }
        message.lbEndpoints = endpoints.map(\.message)
        return message
    }
}

extension Endpoint {
    fileprivate var message: Proto.LbEndpoint {
        var message = Proto.LbEndpoint()
        message.endpoint.address = Proto.Address(host: host, port: port)
        if weight != 1 { message.loadBalancingWeight = .init(weight) }
        message.healthStatus =
            switch health {
            case .unknown: .unknown
            case .healthy: .healthy
            case .unhealthy: .unhealthy
            case .draining: .draining
            case .timeout: .timeout
            case .degraded: .degraded
            }
        return message
    }
}
