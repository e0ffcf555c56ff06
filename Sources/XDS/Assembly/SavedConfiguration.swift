public import Mesh

/// A configuration as it is kept on disk: what a control plane gave, without the bootstrap's part.
///
/// The form is a header with a length and a checksum, and then a response of each type. A damaged
/// file is not a configuration, whatever is wrong with it.
public struct SavedConfiguration: Equatable, Sendable {
    /// Most bytes of a file that is read.
    public static let byteLimit = 256 << 20

    /// The service of the proxy that saved it; another must not use it.
    public let cluster: String
    public let snapshot: Snapshot

    public init(cluster: String, snapshot: Snapshot) {
        self.cluster = cluster
        self.snapshot = snapshot
    }

    /// Writes the form in which it is kept.
    ///
    /// - Parameter generation: Counts up; of two files the one with the higher number is newer.
    /// - Returns: The bytes of a file.
    public func encoded(generation: UInt64) -> [UInt8] {
        var payload: [UInt8] = []
        payload.append(section: Array(cluster.utf8))
        for type in ResourceType.allCases {
            let resources = snapshot.resources(type).sorted { $0.name < $1.name }
            let response = DiscoveryResponse(
                type: type, version: snapshot.versions[type], nonce: "", resources: resources)
            payload.append(section: response.encoded)
        }
        var bytes = Self.magic
        bytes.append(number: generation)
        bytes.append(number: UInt64(payload.count))
        bytes += payload
        bytes.append(number: checksum(bytes[...]))
        return bytes
    }

    /// Reads what ``encoded(generation:)`` wrote.
    ///
    /// - Throws: ``SavedConfigurationError``.
    public static func decoding(
        _ bytes: [UInt8]
    ) throws(SavedConfigurationError) -> (configuration: SavedConfiguration, generation: UInt64) {
        guard bytes.count >= magic.count + 24 else { throw .damaged }
        guard bytes.starts(with: magic.dropLast()),
            let form = Form(rawValue: bytes[magic.count - 1])
        else { throw .unknownFormat }
        var end = bytes.suffix(8)
        guard readNumber(&end) == checksum(bytes.dropLast(8)) else { throw .damaged }
        var rest = bytes.dropFirst(magic.count).dropLast(8)
        guard let generation = readNumber(&rest), let count = readNumber(&rest),
            count == UInt64(rest.count), let cluster = readSection(&rest)
        else { throw .damaged }
        var snapshot = Snapshot()
        for type in form.types {
            guard let section = readSection(&rest) else { throw .damaged }
            try snapshot.take(type, Array(section))
        }
        guard rest.isEmpty else { throw .damaged }
        if let missing = snapshot.missingReferences.first(where: { !$0.isCluster }) {
            throw .inconsistent(missing)
        }
        return (
            SavedConfiguration(
                cluster: String(decoding: cluster, as: UTF8.self), snapshot: snapshot), generation
        )
    }

    /// The last byte is the version of the form.
    private static var magic: [UInt8] { Array("pointsman".utf8) + [Form.withSecrets.rawValue] }

    private enum Form: UInt8 {
        case withoutSecrets = 1
        case withSecrets

        var types: [ResourceType] {
            switch self {
            case .withoutSecrets: ResourceType.allCases.filter { $0 != .secret }
            case .withSecrets: ResourceType.allCases
            }
        }
    }
}

/// Why a file is not a configuration.
public enum SavedConfigurationError: Error, Equatable, Sendable {
    /// Another program's, or another version's.
    case unknownFormat
    case damaged
    /// Written well, but no longer taken by this version.
    case refused(ResponseError)
    case inconsistent(Snapshot.MissingReference)
}

extension Snapshot.MissingReference {
    /// Clusters may be in the bootstrap file.
    fileprivate var isCluster: Bool {
        if case .cluster = self { true } else { false }
    }
}

extension Snapshot {
    fileprivate func resources(_ type: ResourceType) -> [Resource] {
        switch type {
        case .listener: listeners.values.map(\.resource)
        case .routeConfiguration: routeConfigurations.values.map(\.resource)
        case .cluster: clusters.values.map(\.resource)
        case .endpointAssignment: assignments.values.map(\.resource)
        case .secret: secrets.values.map(\.resource)
        }
    }

    fileprivate mutating func take(
        _ type: ResourceType, _ bytes: [UInt8]
    ) throws(SavedConfigurationError) {
        guard let response = try? DiscoveryResponse(decoding: bytes),
            response.typeURL == type.typeURL
        else { throw .damaged }
        var decoder = ResourceDecoder()
        versions[type] = response.version
        do throws(ResponseError) {
            switch try decoder.decode(type, response.resources) {
            case .listeners(let values): listeners = values
            case .routeConfigurations(let values): routeConfigurations = values
            case .clusters(let values): clusters = values
            case .endpointAssignments(let values): assignments = values
            case .secrets(let values): secrets = values
            }
        } catch {
            throw .refused(error)
        }
    }
}

/// FNV-1a with 64 bits: every step is a bijection of the state, so no change of one byte is missed.
private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
}

extension [UInt8] {
    /// Eight bytes, the lowest first.
    fileprivate mutating func append(number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    fileprivate mutating func append(section: [UInt8]) {
        append(number: UInt64(section.count))
        self += section
    }
}

private func readNumber(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    guard bytes.count >= 8 else { return nil }
    var number: UInt64 = 0
    for byte in bytes.prefix(8).reversed() { number = number << 8 | UInt64(byte) }
    bytes = bytes.dropFirst(8)
    return number
}

private func readSection(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let count = readNumber(&bytes), count <= UInt64(bytes.count) else { return nil }
    let section = bytes.prefix(Int(count))
    bytes = bytes.dropFirst(Int(count))
    return section
}
