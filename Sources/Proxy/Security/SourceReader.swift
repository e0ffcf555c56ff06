import Bytes
import Kernel
import Mesh
import TLS
import XDS

/// Reads files, secrets and what stands in the configuration itself, and tells when any of it has
/// changed.
struct SourceReader {
    /// Of all bytes that were read.
    private(set) var fingerprint: UInt64 = 0
    private(set) var readsFiles = false
    /// Those that were used, in the order of their use, without those of files.
    private(set) var secrets: [Secret] = []
    private let snapshot: Snapshot

    /// - Parameter snapshot: Has the secrets.
    init(of snapshot: Snapshot) {
        self.snapshot = snapshot
    }

    mutating func credential(
        of presented: PresentedCertificate
    ) throws(SourceError) -> Credential {
        switch presented {
        case .given(let certificate): return try credential(of: certificate)
        case .secret(let reference):
            guard case .certificate(let certificate) = try secret(reference).content else {
                throw .otherSecret(reference.name, wanted: "tls_certificate")
            }
            return try credential(of: certificate)
        }
    }

    mutating func credential(
        of certificate: CertificateSource
    ) throws(SourceError) -> Credential {
        Credential(
            certificateChain: try bytes(of: certificate.certificateChain),
            privateKey: try bytes(of: certificate.privateKey))
    }

    mutating func validation(
        of source: ValidationSource
    ) throws(SourceError) -> PeerValidation {
        switch source {
        case .given(let validation): return validation
        case .secret(let reference, let part):
            guard case .validation(let validation) = try secret(reference).content else {
                throw .otherSecret(reference.name, wanted: "validation_context")
            }
            guard let merged = part.merged(with: validation) else {
                throw .withoutAuthorities(reference.name)
            }
            return merged
        }
    }

    mutating func bytes(of source: DataSource) throws(SourceError) -> [UInt8] {
        switch source {
        case .inline(let bytes):
            fingerprint = xxHash64(bytes.span, seed: fingerprint)
            return bytes
        case .file(let path): return try contents(of: path)
        }
    }

    private mutating func secret(_ reference: SecretReference) throws(SourceError) -> Secret {
        let name = reference.name
        switch reference.origin {
        case .controlPlane:
            guard let secret = snapshot.secrets[name] else { throw .awaited(name) }
            secrets.append(secret)
            return secret
        case .bootstrap:
            guard let secret = snapshot.fixedSecrets[name] else { throw .unknownSecret(name) }
            secrets.append(secret)
            return secret
        case .file(let path):
            let bytes = try contents(of: path)
            do throws(BootstrapError) {
                return try Secret(named: name, parsing: bytes)
            } catch {
                throw .unreadableSecret(path, error)
            }
        }
    }

    private mutating func contents(of path: String) throws(SourceError) -> [UInt8] {
        readsFiles = true
        do throws(Errno) {
            let bytes = try File.read(path, limit: SecurityStore.fileLimit)
            fingerprint = xxHash64(bytes.span, seed: fingerprint)
            return bytes
        } catch {
            throw .unreadable(path, error)
        }
    }
}

/// Why settings could not be read.
enum SourceError: Error, CustomStringConvertible {
    case unreadable(String, Errno)
    case unusable(TLSError)
    /// The control plane has not sent the secret yet.
    case awaited(String)
    /// The bootstrap file has no such secret.
    case unknownSecret(String)
    /// A secret of the other kind has that name.
    case otherSecret(String, wanted: String)
    case unreadableSecret(String, BootstrapError)
    case withoutAuthorities(String)
    /// Whoever has a certificate of a trusted authority would do.
    case withoutNames

    var description: String {
        switch self {
        case .unreadable(let path, let error): "cannot read \(path): \(error)"
        case .unusable(.settings(let setting)): "\(setting.sentence)"
        case .unusable(let error): "\(error)"
        case .awaited(let name): "secret \"\(name)\" has not come"
        case .unknownSecret(let name): "the bootstrap file has no secret \"\(name)\""
        case .otherSecret(let name, let wanted): "secret \"\(name)\" is not a \(wanted)"
        case .unreadableSecret(let path, let error): "\(path): \(error)"
        case .withoutAuthorities(let name):
            "neither secret \"\(name)\" nor what stands beside it has a trusted_ca"
        case .withoutNames:
            "match_typed_subject_alt_names must not be empty: a certificate alone does not say "
                + "that it is the right server"
        }
    }
}

extension TLSError.Setting {
    fileprivate var sentence: String {
        switch self {
        case .certificateChain: "certificate_chain holds no certificate in PEM"
        case .privateKey: "private_key holds no key in PEM that is not encrypted"
        case .keyMismatch: "private_key is not the key of the certificate"
        case .duplicateKeyKind: "two certificates have keys of the same kind"
        case .trustedAuthorities: "trusted_ca holds no certificate in PEM"
        case .versions: "the versions cannot be used"
        case .ciphers: "cipher_suites names what is not known"
        case .groups: "ecdh_curves names what is not known"
        case .applicationProtocols: "alpn_protocols has a name that is empty or too long"
        case .serverName: "sni is not a name"
        }
    }
}
