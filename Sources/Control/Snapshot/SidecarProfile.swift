import Mesh
import XDS

/// What a sidecar says of itself in the metadata of its node, as far as it decides what it is told.
struct SidecarProfile: Equatable {
    struct Address: Equatable {
        let host: String
        let port: UInt16
    }

    struct Inbound: Equatable {
        let listener: Address
        /// Where the program beside the sidecar listens.
        let application: Address
    }

    /// As in `node.cluster`.
    let service: String
    let outbound: Address
    /// `nil` when nothing comes in through the sidecar.
    let inbound: Inbound?
    /// Whether it has shown an identity, and so can show it to others.
    let isSecure: Bool

    static let standardOutbound = Address(host: "127.0.0.1", port: 15001)

    /// Reads `outbound_address`, `inbound_address` and `application_address`.
    ///
    /// - Throws: `MeshError` with the path of the field that is not an address.
    init(_ node: NodeIdentity, isSecure: Bool = false) throws(MeshError) {
        self.isSecure = isSecure
        service = node.cluster
        outbound = try Self.address("outbound_address", in: node) ?? Self.standardOutbound
        let listener = try Self.address("inbound_address", in: node)
        let application = try Self.address("application_address", in: node)
        switch (listener, application) {
        case (nil, _): inbound = nil
        case (_?, nil):
            throw MeshError(
                "node.metadata.application_address", "is needed beside inbound_address")
        case (let listener?, let application?):
            inbound = Inbound(listener: listener, application: application)
        }
    }

    private static func address(
        _ name: String, in node: NodeIdentity
    ) throws(MeshError) -> Address? {
        guard let value = node.metadata[name] else { return nil }
        return try MeshError.at("node.metadata.\(name)") { () throws(MeshError) in
            guard let text = value.text else { throw MeshError("", "is not a string") }
            // Port zero, by which the system chooses one, is right for a listener alone.
            let letsSystemChoose = text.hasSuffix(":0") && name != "application_address"
            let address = try EndpointAddress(
                parsing: letsSystemChoose ? String(text.dropLast()) + "1" : text)
            return Address(host: address.host, port: letsSystemChoose ? 0 : address.port)
        }
    }
}
