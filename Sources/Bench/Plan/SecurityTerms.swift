import Kernel
public import TLS

/// How connections are secured, where a URL asks for it.
public struct SecurityTerms: Equatable, Sendable {
    /// Where Linux distributions keep the authorities that everybody trusts.
    static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"
    private static let fileLimit = 4 << 20

    /// In PEM: whom to trust.
    public var authorities: [UInt8]
    /// Whom the client says it is.
    public var credential: Credential?
    /// Whom the server has to be, in place of the URL's host: a name, or a URI such as a SPIFFE ID.
    public var serverName: String?
    /// Whether sessions are taken up again, which saves most of a handshake.
    public var allowsResumption = true

    /// Reads what files hold.
    ///
    /// - Parameters:
    ///   - authorities: Of authorities in PEM; `nil` takes those of the system.
    ///   - certificate: Of the client's certificate and the chain behind it, in PEM.
    ///   - key: Of its key, in PEM; `nil` finds it beside the certificate.
    /// - Throws: ``BenchError/file(path:_:)``.
    public init(
        authorities: String? = nil, certificate: String? = nil, key: String? = nil
    ) throws(BenchError) {
        self.authorities = try Self.read(authorities ?? Self.systemAuthorities)
        if let certificate {
            credential = Credential(
                certificateChain: try Self.read(certificate),
                privateKey: try Self.read(key ?? certificate))
        }
    }

    private static func read(_ path: String) throws(BenchError) -> [UInt8] {
        do throws(Errno) {
            return try File.read(path, limit: fileLimit)
        } catch {
            throw .file(path: path, error)
        }
    }

    /// What all connections to `target` have in common.
    ///
    /// - Throws: ``BenchError/terms(_:)`` when certificates or keys cannot be used.
    func security(for target: Target) throws(BenchError) -> LaneSecurity {
        let name = serverName ?? target.host
        var settings = Settings()
        settings.trustedAuthorities = authorities
        settings.credentials = credential.map { [$0] } ?? []
        settings.allowsResumption = allowsResumption
        let isAddress = SocketAddress(host: name, port: 0) != nil
        let isURI = name.contains("://")
        settings.expectedNames = [
            isURI ? .exactly(.uri, name) : isAddress ? .exactly(.ipAddress, name) : .host(name)
        ]
        do throws(TLSError) {
            return LaneSecurity(
                context: try TLS.Context(settings, role: .client),
                serverName: isURI || isAddress ? nil : name)
        } catch {
            throw .terms(error)
        }
    }
}

/// How the connections to one target are secured.
struct LaneSecurity: Sendable {
    let context: TLS.Context
    /// What the server is asked for (SNI).
    let serverName: String?
}

/// Why a connection has not come about.
enum ConnectFault: Error, Equatable {
    case system(Errno)
    case security(TLSError)
    /// TLS is there, and the server does not speak HTTP/2 over it (ALPN, RFC 9113 §3.2).
    case protocolNotAgreed
}
