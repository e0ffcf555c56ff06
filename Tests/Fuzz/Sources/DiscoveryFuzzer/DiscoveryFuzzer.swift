import Fuzzing
import Mesh
import XDS

/// libFuzzer's entry: reads `size` bytes as a response, and as a resource of each type.
///
/// What is taken must come back from its own encoding, and never with a field that was not set.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: data, count: size))
    if let response = try? DiscoveryResponse(decoding: input) { decode(response) }
    if let request = try? DiscoveryRequest(decoding: input) {
        let again = try? DiscoveryRequest(decoding: request.encoded)
        // A number that is none is not even equal to itself.
        if request == request { precondition(again == request, "a request reads differently") }
    }
    for type in ResourceType.allCases { decode(type, input) }
    return 0
}

/// SwiftPM names the entry of the program so; libFuzzer's driver is what it shall run.
@c(DiscoveryFuzzer_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    drive(count, arguments, testOneInput)
}

private func decode(_ response: DiscoveryResponse) {
    guard let type = ResourceType(typeURL: response.typeURL) else { return }
    var decoder = ResourceDecoder()
    _ = try? decoder.decode(type, response.resources)
}

private func decode(_ type: ResourceType, _ body: [UInt8]) {
    var decoder = ResourceDecoder()
    switch type {
    case .listener:
        guard let value = try? decoder.listener(body) else { return }
        check(value == (try? decoder.listener(value.resource.body)), value.resource)
    case .routeConfiguration:
        guard let value = try? decoder.routeConfiguration(body) else { return }
        check(value == (try? decoder.routeConfiguration(value.resource.body)), value.resource)
    case .cluster:
        guard let value = try? decoder.cluster(body) else { return }
        check(value == (try? decoder.cluster(value.resource.body)), value.resource)
    case .endpointAssignment:
        guard let value = try? decoder.endpointAssignment(body) else { return }
        check(value == (try? decoder.endpointAssignment(value.resource.body)), value.resource)
    case .secret:
        guard let value = try? decoder.secret(body) else { return }
        check(value == (try? decoder.secret(value.resource.body)), value.resource)
    }
}

private func check(_ isSame: Bool, _ resource: Resource) {
    precondition(isSame, "a \(resource.type.name) reads differently")
    precondition((try? resource.json()) != nil, "a \(resource.type.name) has no JSON")
}
