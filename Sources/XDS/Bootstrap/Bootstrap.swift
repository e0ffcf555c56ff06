public import Mesh
import SwiftProtobuf
import YAML

/// What a proxy starts with: who it is, what it serves from the beginning, and whom it asks.
///
/// The file is Envoy's v3 bootstrap in YAML or JSON, and the same file runs a stock Envoy; a field
/// that does nothing here is an error, since nobody could tell that it does nothing.
public struct Bootstrap: Equatable, Sendable {
    /// Most bytes of a file.
    public static let fileLimit = 4 << 20

    /// Where something listens or is reached; the host of a control plane may be a name.
    public struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
        public var host: String
        public var port: UInt16

        public init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }

        public var description: String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Whom to ask for configuration (`dynamic_resources`).
    public struct ControlPlane: Equatable, Sendable {
        /// The endpoints of the cluster that `ads_config` names, to be tried in turn; not empty.
        public var addresses: [HostAndPort]
        /// What the server is called in `:authority`.
        public var authority: String
        /// The cluster's `transport_socket`; `nil` where it has none.
        public var security: UpstreamSecurity?
        /// Whether `lds_config` and `cds_config` are there.
        public var discoversListeners: Bool
        public var discoversClusters: Bool

        public init(
            addresses: [HostAndPort], authority: String, security: UpstreamSecurity? = nil,
            discoversListeners: Bool = true, discoversClusters: Bool = true
        ) {
            self.addresses = addresses
            self.authority = authority
            self.security = security
            self.discoversListeners = discoversListeners
            self.discoversClusters = discoversClusters
        }
    }

    public var node: NodeIdentity
    /// `nil` when the file has no `admin`.
    public var admin: HostAndPort?
    public var listeners: [Listener]
    public var clusters: [Cluster]
    public var secrets: [Secret]
    /// `nil` when all there is stands in the file.
    public var controlPlane: ControlPlane?

    /// What `--control HOST:PORT --service NAME` stands for.
    public init(node: NodeIdentity, admin: HostAndPort?, control: HostAndPort) {
        self.node = node
        self.admin = admin
        listeners = []
        clusters = []
        secrets = []
        controlPlane = ControlPlane(addresses: [control], authority: control.description)
    }

    /// Reads a bootstrap file.
    ///
    /// - Throws: ``BootstrapError`` naming the field.
    public init(parsing text: [UInt8]) throws(BootstrapError) {
        var limits = Document.Limits()
        limits.byteCount = Self.fileLimit
        let root: Node
        do {
            root = try Document(parsing: text, limits: limits).root
        } catch {
            throw BootstrapError(path: "", reason: error.description)
        }
        try self.init(root)
    }

    private init(_ root: Node) throws(BootstrapError) {
        let message = try MessageReader(Proto.Bootstrap.self).read(root)
        do {
            self = try BootstrapDecoder(message).bootstrap()
        } catch {
            throw BootstrapError(
                path: error.path, reason: error.reason, position: root.position(of: error.path))
        }
    }

    /// What is in effect before any control plane has answered.
    public var staticSnapshot: Snapshot {
        Snapshot(
            listeners: Dictionary(listeners.map { ($0.name, $0) }) { first, _ in first },
            clusters: Dictionary(clusters.map { ($0.name, $0) }) { first, _ in first },
            fixedSecrets: Dictionary(secrets.map { ($0.name, $0) }) { first, _ in first })
    }
}

/// Why a bootstrap file cannot be used.
public struct BootstrapError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Such as `static_resources.listeners[0].foo`; empty when it is about the whole file.
    public let path: String
    public let reason: String
    /// The line in the file, counted from one.
    public let line: Int?

    init(path: String, reason: String, position: Position? = nil) {
        self.path = path
        self.reason = reason
        line = position?.line
    }

    public var description: String {
        let place = line.map { " (line \($0))" } ?? ""
        return path.isEmpty ? reason : "\(path): \(reason)\(place)"
    }
}

extension Node {
    /// Where the value at `path` begins, or the innermost one above it that there is.
    func position(of path: String) -> Position? {
        var node = self
        var position = node.position
        for part in path.split(whereSeparator: { $0 == "." || $0 == "[" }) {
            let next: Node? =
                if part.hasSuffix("]") {
                    Int(part.dropLast()).flatMap { index in
                        node.elements.flatMap { $0.indices.contains(index) ? $0[index] : nil }
                    }
                } else {
                    node[String(part)]
                }
            guard let next else { return position }
            node = next
            position = node.position ?? position
        }
        return position
    }
}
