public import Mesh
import SwiftProtobuf
import YAML

extension Secret {
    /// Most bytes of a file with a secret.
    public static let fileLimit = 1 << 20

    /// Reads a file with one secret, as `path_config_source` names it: a `DiscoveryResponse` in
    /// YAML or JSON.
    ///
    /// - Parameters:
    ///   - name: Of the secret that it has to hold.
    ///   - text: The bytes of the file.
    /// - Throws: ``BootstrapError`` naming the field.
    public init(named name: String, parsing text: [UInt8]) throws(BootstrapError) {
        var limits = Document.Limits()
        limits.byteCount = Self.fileLimit
        let root: Node
        do {
            root = try Document(parsing: text, limits: limits).root
        } catch {
            throw BootstrapError(path: "", reason: error.description)
        }
        let message = try MessageReader(Proto.DiscoveryResponse.self).read(root)
        do {
            self = try Self.only(of: message.resources, named: name)
        } catch {
            throw BootstrapError(
                path: error.path, reason: error.reason, position: root.position(of: error.path))
        }
    }

    /// Envoy takes no file with several, either.
    private static func only(
        of resources: [Proto.`Any`], named name: String
    ) throws(MeshError) -> Secret {
        guard let any = resources.first, resources.count == 1 else {
            throw MeshError("resources", "must be one secret, and are \(resources.count)")
        }
        return try MeshError.at("resources[0]") { () throws(MeshError) in
            var decoder = ResourceDecoder(rejectsUnknownFields: true)
            guard let message = try decoder.unpack(any, as: Proto.Secret.self) else {
                throw MeshError("", "is a \(any.typeURL), and not a secret")
            }
            let secret = try decoder.secret(message)
            if secret.name != name {
                throw MeshError("name", "is \"\(secret.name)\", and \"\(name)\" is wanted")
            }
            return secret
        }
    }
}
