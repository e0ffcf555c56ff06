import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    // One that `isNested` stands in a cluster, whose unknown fields are noted with its own.
    mutating func endpointAssignment(
        _ message: Proto.ClusterLoadAssignment, isNested: Bool = false
    ) throws(MeshError) -> EndpointAssignment {
        if message.policy.dropOverloads.contains(where: { $0.dropPercentage.numerator > 0 }) {
            throw MeshError("policy.drop_overloads", "is not supported")
        }
        let assignment = try EndpointAssignment(
            clusterName: message.clusterName,
            localities: try mapping(message.endpoints, "endpoints", localityEndpoints),
            overprovisioningFactor: message.policy.hasOverprovisioningFactor
                ? message.policy.overprovisioningFactor.value : 140)
        if !isNested { try noteUnknownFields(of: message) }
        return assignment
    }
}

private func localityEndpoints(
    _ message: Proto.LocalityEndpoints
) throws(MeshError) -> LocalityEndpoints {
    try refuse(message.lbConfig != nil, "leds_cluster_locality_config")
    return try LocalityEndpoints(
        locality: Locality(
            region: message.locality.region, zone: message.locality.zone,
            subZone: message.locality.subZone),
        priority: message.priority,
        weight: message.hasLoadBalancingWeight ? message.loadBalancingWeight.value : nil,
        endpoints: try mapping(message.lbEndpoints, "lb_endpoints", endpoint))
}

private func endpoint(_ message: Proto.LbEndpoint) throws(MeshError) -> Endpoint {
    guard case .endpoint(let value)? = message.hostIdentifier else {
        throw MeshError("endpoint", "is missing")
    }
    let (host, port) = try MeshError.at("endpoint.address") { () throws(MeshError) in
        try value.address.hostAndPort()
    }
    try require(address: host, "endpoint.address.socket_address.address")
    return try Endpoint(
        host: host, port: port,
        weight: message.hasLoadBalancingWeight ? message.loadBalancingWeight.value : 1,
        health: try health(message.healthStatus))
}

private func health(_ status: Proto.HealthStatus) throws(MeshError) -> Endpoint.Health {
    switch status {
    case .unknown: .unknown
    case .healthy: .healthy
    case .unhealthy: .unhealthy
    case .draining: .draining
    case .timeout: .timeout
    case .degraded: .degraded
    case .UNRECOGNIZED(let number):
        throw MeshError("health_status", "\(number) is not a known value")
    }
}
