import Mesh
import Testing

@Suite struct `A cluster` {
    @Test func `has Envoy's defaults`() throws {
        let cluster = try Cluster(name: "a", discovery: .eds(serviceName: "a"))
        #expect(cluster.connectTimeout == .seconds(5))
        #expect(cluster.loadBalancing == .roundRobin)
        #expect(
            cluster.circuitBreakers
                == CircuitBreakers(
                    connections: 1024, pendingRequests: 1024, requests: 1024, retries: 3))
        #expect(cluster.upstreamProtocol == .http1)
        #expect(cluster.outlierDetection == nil)
        #expect(cluster.maximumRequestsPerConnection == nil)
        #expect(cluster.assignmentName == "a")
    }

    @Test func `names the field that is wrong`() {
        expect("name") { () throws(MeshError) in
            _ = try Cluster(name: "", discovery: .eds(serviceName: "a"))
        }
        expect("eds_cluster_config.service_name") { () throws(MeshError) in
            _ = try Cluster(name: "a", discovery: .eds(serviceName: ""))
        }
        expect("connect_timeout") { () throws(MeshError) in
            _ = try Cluster(
                name: "a", discovery: .eds(serviceName: "a"), connectTimeout: .zero)
        }
        expect("least_request_lb_config.choice_count") { () throws(MeshError) in
            _ = try Cluster(
                name: "a", discovery: .eds(serviceName: "a"),
                loadBalancing: .leastRequest(choices: 1))
        }
        expect("ring_hash_lb_config.minimum_ring_size") { () throws(MeshError) in
            _ = try Cluster.LoadBalancing.ringHash(checkingMinimumSize: 8, maximumSize: 7)
        }
        expect("max_ejection_percent") { () throws(MeshError) in
            _ = try OutlierDetection(maximumEjectionPercent: 101)
        }
    }

    @Test func `has endpoints with an address and a weight`() throws {
        #expect(try Endpoint(host: "::1", port: 80).weight == 1)
        expect("endpoint.address.socket_address.address") { () throws(MeshError) in
            _ = try Endpoint(host: "", port: 80)
        }
        expect("endpoint.address.socket_address.port_value") { () throws(MeshError) in
            _ = try Endpoint(host: "::1", port: 0)
        }
        expect("load_balancing_weight") { () throws(MeshError) in
            _ = try Endpoint(host: "::1", port: 80, weight: 0)
        }
        let heavy = try Endpoint(host: "::1", port: 80, weight: .max)
        expect("lb_endpoints") { () throws(MeshError) in
            _ = try LocalityEndpoints(endpoints: [heavy, heavy])
        }
        let full = try LocalityEndpoints(weight: .max, endpoints: [])
        expect("endpoints[1].load_balancing_weight") { () throws(MeshError) in
            _ = try EndpointAssignment(clusterName: "a", localities: [full, full])
        }
    }
}

/// Expects `make` to throw an error about the field at `path`.
func expect(_ path: String, _ make: () throws(MeshError) -> Void) {
    do {
        try make()
        Issue.record("nothing was thrown for \(path)")
    } catch {
        #expect(error.path == path)
    }
}
