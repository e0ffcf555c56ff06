import EventLoop
import HTTP
import Kernel
import Mesh
import TLS
import Telemetry
import Transport
import XDS

/// Keeps a sidecar's certificate good.
///
/// It lives on the main loop. When to ask, and by what, is decided by `IdentityState`; this makes
/// keys, carries requests to the control plane's authority, and keeps what was issued on disk.
final class IdentityClient: TimerHandler {
    enum Event: Equatable {
        case found(IdentityFile.Finding, path: String)
        /// Nothing is kept, and there is no token to ask with.
        case helpless
        /// Dates are in seconds since 1970.
        case received(name: String, expiry: Int64, renewal: Int64)
        /// A certificate is not good yet, or not any more, by the own clock.
        case clocksDiffer(seconds: Int64)
        case failed(IdentityState.Proof, String, retryIn: Duration)
        /// The identity in use could not be kept on disk.
        case notSaved(Errno)
    }

    private struct Asking {
        let proof: IdentityState.Proof
        let key: PrivateKey
        let call: GRPCClientCall
        var answer: [UInt8]?
    }

    /// Most bytes of a token, of a file of roots, and of what is issued.
    private static let byteLimit = 1 << 20

    /// Told of an identity, and of each that takes its place.
    var onChange: ((Identity) -> Void)?
    let metrics = IdentityMetrics()
    private(set) var identity: Identity?
    /// Why the latest attempt came to nothing; `nil` once one has not.
    private(set) var failure: String?
    private let loop: EventLoop
    private let settings: IdentitySettings
    private let controlPlane: Bootstrap.ControlPlane
    private let service: String
    private let file: IdentityFile?
    private let report: (Event) -> Void
    private var state: IdentityState
    private var random = SystemRandomNumberGenerator()
    private var asking: Asking?
    private var timer: TimerToken?
    /// Chooses among the addresses, so that one that worked is the first to be tried again.
    private var failedConnectCount = 0

    /// Prepares everything; nothing happens before ``start()``.
    ///
    /// - Parameters:
    ///   - loop: The main loop.
    ///   - settings: Whom to trust at first, and what to show.
    ///   - controlPlane: Where the authority is.
    ///   - service: Whose sidecar it is.
    ///   - stateFolder: Where the identity is kept; `nil` keeps none.
    ///   - report: Told what is worth a line in the log; must not call this back.
    init(
        on loop: EventLoop, settings: IdentitySettings, controlPlane: Bootstrap.ControlPlane,
        service: String, stateFolder: String?, report: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.controlPlane = controlPlane
        self.service = service
        self.report = report
        file = stateFolder.map(IdentityFile.init)
        state = IdentityState(hasToken: settings.tokenPath != nil)
    }

    /// Takes up what was kept, and asks for what is missing.
    func start() {
        if let file {
            let (kept, finding) = file.load(for: service, in: settings.trustDomain)
            report(.found(finding, path: file.path))
            if let kept { use(kept) }
        }
        if identity == nil, settings.tokenPath == nil { report(.helpless) }
        perform(state.start(with: identity?.term, at: now, using: &random))
    }

    func stop() {
        asking?.call.cancel()
        asking = nil
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    /// How good the certificate is now.
    var standing: IdentityState.Standing { state.standing(at: now.date) }

    func timerFired(_ timer: TimerToken) {
        self.timer = nil
        perform(state.timeDidPass(at: now, using: &random))
    }

    /// What a connection to the control plane is secured with; without an identity nothing is
    /// presented.
    ///
    /// - Throws: Why there can be none.
    func security(presenting identity: Identity?) throws(AskingError) -> GRPCSecurity {
        var terms = Settings()
        terms.credentials = identity.map { [$0.credential] } ?? []
        terms.trustedAuthorities = try read(settings.rootsPath)
        // During a rotation the mesh may know a root that the file does not have yet.
        if let identity { terms.trustedAuthorities += [UInt8(ascii: "\n")] + identity.roots }
        terms.expectedNames = [.exactly(.uri, settings.controlPlaneName)]
        terms.allowsResumption = false
        do throws(IdentityError) {
            return GRPCSecurity(
                context: try Identity.context(terms), serverName: controlPlane.serverName)
        } catch {
            throw AskingError(.unusable, "\(error)")
        }
    }

    /// What the stream to the control plane is secured with.
    var streamSecurity: StreamSecurity {
        guard let identity else {
            return .unavailable("there is no certificate yet" + (failure.map { ": \($0)" } ?? ""))
        }
        do throws(AskingError) {
            return .secured(try security(presenting: identity))
        } catch {
            return .unavailable(error.reason)
        }
    }

    private var now: IdentityState.Moment {
        IdentityState.Moment(
            uptime: .nanoseconds(Int64(clamping: loop.now.nanoseconds)),
            date: .nanoseconds(Int64(clamping: WallClock.nanosecondsSinceEpoch())))
    }

    private func perform(_ action: IdentityState.Action?) {
        switch action {
        case nil: break
        case .ask(let proof):
            do throws(AskingError) {
                try ask(by: proof)
            } catch {
                fail(error, proof)
            }
        case .giveUp:
            guard let given = asking else { break }
            asking = nil
            given.call.cancel()
            tell(AskingError(.unreachable, "no answer in \(IdentityState.patience)"), given.proof)
        }
        setTimer()
    }

    private func setTimer() {
        if let timer { loop.cancel(timer) }
        let uptime = now.uptime
        timer = state.deadline(after: uptime).map {
            loop.schedule(after: max($0 - uptime, .zero), for: self)
        }
    }
}

// MARK: - Asking

/// Why nothing came of an attempt.
struct AskingError: Error {
    let failure: IdentityState.Failure
    let reason: String

    init(_ failure: IdentityState.Failure, _ reason: String) {
        self.failure = failure
        self.reason = reason
    }
}

extension IdentityClient: GRPCClientCallDelegate {
    private func ask(by proof: IdentityState.Proof) throws(AskingError) {
        var metadata: [(name: String, value: String)] = []
        if proof == .token {
            metadata.append(("authorization", "Bearer \(try token())"))
        }
        let security = try security(presenting: proof == .certificate ? identity : nil)
        let (key, request) = try Self.makeRequest()
        let addresses = controlPlane.resolved
        if addresses.isEmpty { throw AskingError(.unreachable, "the name has no address") }
        var limits = GRPCLimits()
        limits.receivedMessageByteCount = Self.byteLimit
        let call = GRPCClientCall(
            loop: loop, address: addresses[failedConnectCount % addresses.count],
            authority: controlPlane.authority, path: CertificateService.issuePath,
            metadata: metadata, limits: limits, security: security, delegate: self)
        call.send(message: request)
        call.finish()
        asking = Asking(proof: proof, key: key, call: call)
    }

    private static func makeRequest() throws(AskingError) -> (PrivateKey, [UInt8]) {
        do throws(TLSError) {
            let key = try PrivateKey.generated()
            let request = try CertificateRequest(signedWith: key)
            let text = String(decoding: request.pem, as: UTF8.self)
            return (key, IssueRequest(signingRequest: text).encoded)
        } catch {
            throw AskingError(.unusable, "\(error)")
        }
    }

    private func token() throws(AskingError) -> String {
        guard let path = settings.tokenPath else { throw AskingError(.refused, "no token") }
        let text = try read(path).filter { $0 > 0x20 && $0 < 0x7F }
        if text.isEmpty { throw AskingError(.refused, "\(path) holds no token") }
        return String(decoding: text, as: UTF8.self)
    }

    private func read(_ path: String) throws(AskingError) -> [UInt8] {
        do throws(Errno) {
            return try File.read(path, limit: Self.byteLimit)
        } catch {
            throw AskingError(.refused, "cannot read \(path): \(error)")
        }
    }

    func callDidOpen(_ call: GRPCClientCall) {}

    func call(_ call: GRPCClientCall, didReceive message: [UInt8]) {
        if asking?.call === call { asking?.answer = message }
    }

    func call(_ call: GRPCClientCall, didClose status: GRPCStatus) {
        guard let asking, asking.call === call else { return }
        self.asking = nil
        do throws(AskingError) {
            if status.code != .ok { throw AskingError(status, call.securityFailure) }
            try take(asking.answer ?? [], asking.key)
        } catch {
            switch error.failure {
            case .unreachable, .untrusted: failedConnectCount += 1
            case .refused, .limited, .unusable: break
            }
            fail(error, asking.proof)
        }
        setTimer()
    }

    private func take(_ answer: [UInt8], _ key: PrivateKey) throws(AskingError) {
        let issued: Identity
        do {
            let response = try IssueResponse(decoding: answer)
            issued = try Identity(
                Credential(certificateChain: Self.joined(response.chain), privateKey: key.pem),
                roots: Self.joined(response.roots), receivedAt: now.date.components.seconds,
                in: settings.trustDomain)
        } catch {
            throw AskingError(.unusable, "\(error)")
        }
        state.didReceive(issued.term, at: now, using: &random)
        failure = nil
        metrics.renewals.add()
        report(
            .received(
                name: issued.name, expiry: issued.expiry,
                renewal: state.renewalDate.components.seconds))
        save(issued)
        use(issued)
    }

    private static func joined(_ texts: [String]) -> [UInt8] {
        texts.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] }
    }

    private func use(_ identity: Identity) {
        self.identity = identity
        metrics.expiry.set(identity.expiry)
        let date = now.date.components.seconds
        let term = identity.term
        if date < term.start.components.seconds {
            report(.clocksDiffer(seconds: date - term.start.components.seconds))
        }
        onChange?(identity)
    }

    private func save(_ identity: Identity) {
        do throws(Errno) {
            try file?.save(identity, for: service)
        } catch {
            report(.notSaved(error))
        }
    }

    private func fail(_ error: AskingError, _ proof: IdentityState.Proof) {
        state.didFail(error.failure, at: now, using: &random)
        tell(error, proof)
    }

    private func tell(_ error: AskingError, _ proof: IdentityState.Proof) {
        metrics.count(error.failure)
        failure = error.reason
        let uptime = now.uptime
        let pause = state.deadline(after: uptime).map { $0 - uptime } ?? .zero
        report(.failed(proof, error.reason, retryIn: pause))
    }
}

extension AskingError {
    /// What the end of a call says, and whether the proof is to blame.
    fileprivate init(_ status: GRPCStatus, _ security: TLSError?) {
        let failure: IdentityState.Failure =
            switch (status.code, security) {
            // The authority does not take the certificate.
            case (_, .alertReceived): .refused
            case (_, .certificateUntrusted), (_, .certificateExpired), (_, .identityUnexpected),
                (_, .certificateNotYetValid):
                .untrusted
            case (.unauthenticated, _), (.permissionDenied, _): .refused
            case (.resourceExhausted, _): .limited
            case (.invalidArgument, _): .unusable
            default: .unreachable
            }
        self.init(failure, "\(status.code): \(status.message)")
    }
}
