/// Whom a rule means.
public enum CallerPattern: Hashable, Sendable, CustomStringConvertible {
    /// The longest SPIFFE ID, in bytes (SPIFFE-ID §2.3).
    public static let spiffeIDByteLimit = 2048

    /// A workload of the mesh.
    case workload(WorkloadIdentity)
    /// All workloads of a namespace of the mesh.
    case namespace(String)
    /// Whoever has exactly that SPIFFE ID.
    case spiffeID(String)

    /// Reads `NAMESPACE/ACCOUNT`, `ACCOUNT` alone, `NAMESPACE/*` or a SPIFFE ID.
    ///
    /// - Throws: ``MeshError`` when it is none of them.
    public init(parsing text: String) throws(MeshError) {
        if text.hasPrefix(Self.scheme) {
            try Self.check(spiffeID: text)
            self = .spiffeID(text)
        } else if text.hasSuffix("/*") {
            let namespace = String(text.dropLast(2))
            try require(label: namespace, "")
            self = .namespace(namespace)
        } else {
            self = .workload(try WorkloadIdentity(parsing: text))
        }
    }

    public var description: String {
        switch self {
        case .workload(let identity): identity.description
        case .namespace(let name): "\(name)/*"
        case .spiffeID(let text): text
        }
    }

    private static let scheme = "spiffe://"

    /// A trust domain and at least one segment of a path (SPIFFE-ID §2).
    private static func check(spiffeID text: String) throws(MeshError) {
        if text.utf8.count > spiffeIDByteLimit {
            throw MeshError("", "is longer than \(spiffeIDByteLimit) bytes")
        }
        let segments = text.utf8.dropFirst(scheme.utf8.count)
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isID =
            segments.count > 1
            && segments.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isSegmentCharacter) }
            && segments.dropFirst().allSatisfy { String($0) != "." && String($0) != ".." }
            && segments[0].allSatisfy { !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        if !isID { throw MeshError("", "\"\(text)\" is not spiffe://TRUST_DOMAIN/PATH") }
    }
}

extension UInt8 {
    fileprivate var isSegmentCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
