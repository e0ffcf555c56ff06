import Mesh
import Testing
import XDS

@Suite struct `The address of an endpoint` {
    @Test(arguments: [
        "127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "1:2:3:4:5:6:7:8",
        "2001:db8::8:800:200C:417A", "::ffff:10.0.0.1", "1:2:3:4:5:6:1.2.3.4", "1::8",
    ])
    func `is an IP address`(host: String) throws {
        #expect(try decoded(host).first?.host == host)
    }

    @Test(arguments: [
        "", "localhost", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4",
        ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1::", "12345::",
        "g::", "::1.2.3", "1.2.3.4::", "::1%lo", "[::1]", "127.0.0.1\u{0}", "١.1.1.1",
    ])
    func `is nothing else`(host: String) {
        #expect(throws: ResourceError.self) { try decoded(host) }
    }

    private func decoded(_ host: String) throws -> [Endpoint] {
        var message = Proto.ClusterLoadAssignment()
        message.clusterName = "c"
        var endpoint = Proto.LbEndpoint()
        endpoint.endpoint.address.socketAddress.address = host
        endpoint.endpoint.address.socketAddress.portValue = 80
        var locality = Proto.LocalityEndpoints()
        locality.lbEndpoints = [endpoint]
        message.endpoints = [locality]
        var decoder = ResourceDecoder()
        let assignment = try decoder.endpointAssignment(message.bytes)
        return assignment.localities.flatMap(\.endpoints)
    }
}
