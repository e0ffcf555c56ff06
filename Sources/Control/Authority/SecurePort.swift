import EventLoop
import HTTP
import Kernel
import Mesh
import TLS
import Transport
import XDS

/// The port that speaks over TLS: certificates for those who show a token or a certificate, and
/// the configuration for those who show a certificate.
final class SecurePort {
    /// How long after a failure the own certificate is made again.
    private static let retryInterval: Int64 = 10

    private let authority: MeshAuthority
    private let discovery: DiscoveryService
    private let time: () -> Duration
    private let log: (String) -> Void
    /// By which clients may know the control plane, beside its identity.
    private let addresses: [String]
    private var server: GRPCServer?
    /// When the own certificate is made again; seconds since 1970.
    private var renewalTime: Int64 = 0

    /// Starts to listen.
    ///
    /// - Throws: ``ControlPlane/Failure``.
    init(
        _ authority: MeshAuthority, discovery: DiscoveryService, loop: EventLoop,
        address: SocketAddress, limits: GRPCLimits, time: @escaping () -> Duration,
        log: @escaping (String) -> Void
    ) throws(ControlPlane.Failure) {
        self.authority = authority
        self.discovery = discovery
        self.time = time
        self.log = log
        let isEverywhere = ["0.0.0.0", "::"].contains(address.hostText)
        addresses = isEverywhere ? ["127.0.0.1", "::1"] : [address.hostText]
        guard let context = renew() else { throw .authority("no certificate for its own port") }
        do {
            server = try GRPCServer(
                loop: loop, address: address, limits: limits, security: context, delegate: self)
        } catch {
            throw .listen(address, error)
        }
    }

    /// Where it listens, with the port that the kernel chose.
    var address: SocketAddress? { server?.address }

    /// Presents a certificate of its own that is good for a while yet.
    func tick() {
        if authority.now() >= renewalTime { present() }
    }

    /// Presents a new certificate of its own, and takes those of the clients that are good now.
    func present() {
        if let context = renew() { server?.setSecurity(context) }
    }

    func beginShutdown() {
        server?.beginShutdown()
    }

    func close() {
        server?.close()
    }

    private func renew() -> Context? {
        let now = authority.now()
        renewalTime = now + Self.retryInterval
        do {
            let (issue, key) = try authority.makeOwn(addresses: addresses)
            var settings = Settings()
            settings.credentials = [
                Credential(
                    certificateChain: Array(issue.chain.joined().utf8), privateKey: key.pem)
            ]
            settings.trustedAuthorities = Array(authority.roots.joined().utf8)
            settings.applicationProtocols = ["h2"]
            // A certificate that has ended is not to be taken up again.
            settings.allowsResumption = false
            let context = try Context(
                settings, role: .server(clientCertificate: .requested))
            renewalTime = now + max(1, (issue.validity.upperBound - now) / 2)
            return context
        } catch {
            log("authority: no certificate for the own port: \(error)")
            return nil
        }
    }
}

extension SecurePort: GRPCServerDelegate {
    func server(
        _ server: GRPCServer, accept call: GRPCServerCall
    ) -> (any GRPCServerCallHandler)? {
        switch call.path {
        case CertificateService.issuePath:
            return CertificateCall(authority, time: time, log: log)
        case AggregatedDiscoveryService.streamPath: return acceptDiscovery(call)
        default: return nil
        }
    }

    private func acceptDiscovery(_ call: GRPCServerCall) -> (any GRPCServerCallHandler)? {
        guard let peer = call.peerIdentity else {
            return refuse(call, "a certificate of the mesh is needed")
        }
        guard let identity = authority.identity(of: peer) else {
            return refuse(call, "the certificate names no workload of \(authority.trustDomain)")
        }
        if authority.hasEnded(peer) { return refuse(call, "the certificate has ended") }
        return discovery.accept(
            call, from: VerifiedClient(identity: identity, peer: peer, authority: authority))
    }

    private func refuse(
        _ call: GRPCServerCall, _ reason: String
    ) -> (any GRPCServerCallHandler)? {
        log("\(call.peer) is refused: \(reason)")
        call.finish(GRPCStatus(.unauthenticated, reason))
        return nil
    }

    func server(
        _ server: GRPCServer, didRefuse peer: SocketAddress, for error: TLSError, names: [String]
    ) {
        authority.noteRefused(error.reason)
        let subject = names.isEmpty ? "" : " (\(names.joined(separator: ", ")))"
        log("\(peer)\(subject) is refused: \(error)")
    }
}

/// A client whose certificate was verified.
struct VerifiedClient {
    let identity: WorkloadIdentity
    let peer: PeerIdentity
    let authority: MeshAuthority

    /// Whether the certificate has ended since.
    var hasEnded: Bool { authority.hasEnded(peer) }
}

/// One request for a certificate.
private final class CertificateCall: GRPCServerCallHandler {
    private let authority: MeshAuthority
    private let time: () -> Duration
    private let log: (String) -> Void

    init(
        _ authority: MeshAuthority, time: @escaping () -> Duration, log: @escaping (String) -> Void
    ) {
        self.authority = authority
        self.time = time
        self.log = log
    }

    func call(_ call: GRPCServerCall, didReceive message: [UInt8]) {
        guard let request = try? IssueRequest(decoding: message) else {
            return call.finish(
                GRPCStatus(.invalidArgument, "the message is not an IssueRequest"))
        }
        let wish = IssueWish(
            signingRequest: Array(request.signingRequest.utf8), lifetime: Int64(request.lifetime))
        do throws(MeshAuthority.Refusal) {
            let issue = try authority.answer(
                wish, authorization: call.authorization, peer: call.peerIdentity,
                address: "\(call.peer)", at: time())
            let response = IssueResponse(chain: issue.chain, roots: authority.roots)
            call.send(message: response.encoded)
            call.finish(GRPCStatus(.ok))
        } catch {
            log("\(call.peer) gets no certificate: \(error.status.message)")
            call.finish(error.status)
        }
    }

    func callDidEnd(_ call: GRPCServerCall) {
        // After a message it is finished already.
        call.finish(GRPCStatus(.invalidArgument, "there is no IssueRequest"))
    }

    func call(_ call: GRPCServerCall, didClose status: GRPCStatus) {}
}

extension MeshAuthority.Refusal {
    fileprivate var status: GRPCStatus {
        switch self {
        case .unauthenticated(let reason): GRPCStatus(.unauthenticated, reason)
        case .invalid(let reason): GRPCStatus(.invalidArgument, reason)
        case .tooMany(let reason): GRPCStatus(.resourceExhausted, reason)
        case .unavailable(let reason): GRPCStatus(.unavailable, reason)
        }
    }
}
