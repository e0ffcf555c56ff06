import Bytes
import Kernel
import Mesh
import TLS

/// An identity on disk (`--state-dir`), so that a restart needs no other token.
///
/// One file of PEM that is replaced as a whole, which only the owner may read; a damaged one is as
/// good as none.
struct IdentityFile {
    /// What was found at the start, for the log.
    enum Finding: Equatable {
        case absent
        case loaded
        case unreadable(Errno)
        /// Something was cut off or changed.
        case damaged
        case unusable(IdentityError)
        /// Another service's sidecar has been here.
        case foreign(service: String)
    }

    private enum Part: String, CaseIterable {
        case service, received, key, chain, roots

        var isPEM: Bool {
            switch self {
            case .service, .received: false
            case .key, .chain, .roots: true
            }
        }
    }

    /// Most bytes of a file.
    static let byteLimit = 1 << 20
    private static let title = "# pointsman identity 1"

    let path: String

    init(folder: String) {
        path = "\(folder)/identity.pem"
    }

    func load(
        for service: String, in trustDomain: TrustDomain
    ) -> (identity: Identity?, finding: Finding) {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try File.read(path, limit: Self.byteLimit)
        } catch {
            return (nil, error == .notFound ? .absent : .unreadable(error))
        }
        guard let parts = Self.parts(of: bytes), let receivedAt = Int64(parts[.received] ?? ""),
            let key = parts[.key], let chain = parts[.chain], let roots = parts[.roots]
        else { return (nil, .damaged) }
        let owner = parts[.service] ?? ""
        if owner != service { return (nil, .foreign(service: owner)) }
        do throws(IdentityError) {
            let credential = Credential(
                certificateChain: Array(chain.utf8), privateKey: Array(key.utf8))
            let identity = try Identity(
                credential, roots: Array(roots.utf8), receivedAt: receivedAt, in: trustDomain)
            return (identity, .loaded)
        } catch {
            return (nil, .unusable(error))
        }
    }

    /// Replaces the file; blocks until it is on disk.
    ///
    /// - Throws: What the system calls report, such as `ENOSPC`; the old file is still there.
    func save(_ identity: Identity, for service: String) throws(Errno) {
        let contents: [(Part, [UInt8])] = [
            (.service, Array(service.utf8)), (.received, Array("\(identity.receivedAt)".utf8)),
            (.key, identity.credential.privateKey), (.chain, identity.credential.certificateChain),
            (.roots, identity.roots),
        ]
        var body: [UInt8] = []
        for (part, bytes) in contents {
            body += "# \(part.rawValue)\n".utf8
            body += bytes
            if bytes.last != UInt8(ascii: "\n") { body.append(UInt8(ascii: "\n")) }
        }
        let head = Array("\(Self.title) \(Self.sum(of: body))\n".utf8)
        if let slash = path.lastIndex(of: "/") { try File.makeFolder(String(path[..<slash])) }
        try File.replace(path, with: head + body, for: .owner)
    }

    private static func sum(of body: [UInt8]) -> String {
        String(xxHash64(body.span), radix: 16)
    }

    private static func parts(of bytes: [UInt8]) -> [Part: String]? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        let body = Array(bytes[(end + 1)...])
        guard head == "\(title) \(sum(of: body))" else { return nil }
        var parts: [Part: String] = [:]
        var part: Part?
        for line in String(decoding: body, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("# ") {
                part = Part(rawValue: String(line.dropFirst(2)))
            } else if let part {
                parts[part, default: ""] += part.isPEM ? "\(line)\n" : "\(line)"
            }
        }
        return parts
    }
}
