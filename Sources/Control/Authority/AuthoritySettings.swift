public import Kernel
import Mesh
import TLS

/// What an operator decides of the mesh's certificate authority.
public struct AuthoritySettings {
    public static let lifetimes: ClosedRange<Int64> =
        AuthorityPolicy.shortestLifetime...AuthorityPolicy.longestLifetime
    public static let standardLifetime = AuthorityPolicy.standardLifetime
    public static let standardTrustDomain = TrustDomain.standard.name
    /// Bytes of a key file.
    static let keyByteCounts = 32...4096

    /// Random bytes, 32 or more, that the private keys in the store are sealed with; made when
    /// there is no authority yet.
    public var keyFile: String
    public var trustDomain: String
    /// The longest that a certificate is good, in seconds.
    public var certificateLifetime: Int64
    /// Where sidecars ask for certificates and configuration, over TLS.
    public var address: SocketAddress

    public init(
        keyFile: String, trustDomain: String, certificateLifetime: Int64, address: SocketAddress
    ) {
        self.keyFile = keyFile
        self.trustDomain = trustDomain
        self.certificateLifetime = certificateLifetime
        self.address = address
    }
}

extension ControlPlane {
    /// Who vouches for the workloads, or would where nobody does.
    static func trustDomain(of settings: AuthoritySettings?) throws(Failure) -> TrustDomain {
        guard let settings else { return .standard }
        do {
            return try TrustDomain(settings.trustDomain)
        } catch {
            throw .authority("--trust-domain: \(error.description)")
        }
    }

    /// Takes up the authority, or begins one.
    static func authority(
        _ settings: AuthoritySettings?, in trustDomain: TrustDomain, _ store: SQLiteStore,
        _ log: @escaping (String) -> Void
    ) throws(Failure) -> MeshAuthority? {
        let authorities = AuthorityStore(store)
        do {
            let foundation = try authorities.foundation()
            guard let settings else {
                if foundation != nil {
                    log("the store has a certificate authority; it is off without --ca-key-file")
                }
                return nil
            }
            return try authority(
                settings, in: trustDomain, authorities, isNew: foundation == nil, log)
        } catch let error as StoreError {
            throw .authority(error.reason)
        } catch let error as Failure {
            throw error
        } catch {
            throw .authority("\(error)")
        }
    }

    private static func authority(
        _ settings: AuthoritySettings, in trustDomain: TrustDomain, _ store: AuthorityStore,
        isNew: Bool,
        _ log: @escaping (String) -> Void
    ) throws -> MeshAuthority {
        guard AuthoritySettings.lifetimes.contains(settings.certificateLifetime) else {
            let (least, most) = (
                AuthoritySettings.lifetimes.lowerBound, AuthoritySettings.lifetimes.upperBound
            )
            throw Failure.authority("--certificate-lifetime is not from \(least) to \(most)")
        }
        let secret = try keyFile(settings.keyFile, isNew: isNew, log)
        var policy = AuthorityPolicy()
        policy.certificateLifetime = settings.certificateLifetime
        do throws(MeshAuthority.Failure) {
            let authority = try MeshAuthority(
                store, secret: secret, trustDomain: trustDomain, policy: policy,
                now: { Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000_000) })
            authority.onEvent = log
            // What has ended while nobody was there is replaced before anything hangs on it.
            authority.tick()
            return authority
        } catch {
            throw Failure.authority(error.reason(keyFile: settings.keyFile))
        }
    }

    /// The bytes of the key file, which is made for a store that has no authority.
    private static func keyFile(
        _ path: String, isNew: Bool, _ log: (String) -> Void
    ) throws -> [UInt8] {
        let limit = AuthoritySettings.keyByteCounts.upperBound
        do throws(Errno) {
            let secret = try File.read(path, limit: limit)
            if secret.count >= AuthoritySettings.keyByteCounts.lowerBound { return secret }
        } catch {
            guard error == .notFound, isNew else {
                throw Failure.authority("the key file \(path): \(error)")
            }
            let secret = try SecureBytes.random(
                byteCount: AuthoritySettings.keyByteCounts.lowerBound)
            do {
                try File.replace(path, with: secret, for: .owner)
            } catch {
                throw Failure.authority("the key file \(path) cannot be made: \(error)")
            }
            log("made the key file \(path); without it the certificate authority is lost")
            return secret
        }
        let least = AuthoritySettings.keyByteCounts.lowerBound
        throw Failure.authority("the key file \(path) has fewer than \(least) bytes")
    }
}

extension MeshAuthority.Failure {
    fileprivate func reason(keyFile: String) -> String {
        switch self {
        case .store(let error): error.reason
        case .trustDomain(let name):
            "the mesh in the store is \(name); --trust-domain cannot change"
        case .keyFile: "\(keyFile) is not the key file that the keys in the store are sealed with"
        case .damaged(let reason): "the store is damaged: \(reason)"
        case .library(let error): "\(error)"
        }
    }
}
