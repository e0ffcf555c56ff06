import Telemetry
import Bytes

/// What the process says of its identity.
extension IdentityClient.Event {
    var level: LogLevel {
        switch self {
        case .found(.absent, _), .found(.loaded, _), .received: .info
        case .found(.unreadable, _), .found(.damaged, _), .found(.unusable, _), .found(.foreign, _),
            .clocksDiffer, .failed, .notSaved:
            .warning
        case .helpless: .error
        }
    }

    var sentence: String {
        switch self {
        case .found(let finding, let path): finding.sentence(of: path)
        case .helpless:
            "no identity is kept, and there is no --identity-token-file to ask for one with"
        case .received(let name, let expiry, let renewal):
            "got a certificate for \(name), good until \(Self.text(of: expiry)); "
                + "to be renewed at \(Self.text(of: renewal))"
        case .clocksDiffer(let seconds):
            "the certificate is not good yet: the clock here is at least \(-seconds) s slow"
        case .failed(let proof, let reason, let pause):
            "got no certificate by \(proof.name): \(reason); trying again in \(pause)"
        case .notSaved(let error): "the identity could not be kept on disk: \(error)"
        }
    }

    /// A date, in seconds since 1970.
    static func text(of date: Int64) -> String {
        var text = Buffer()
        Timestamp(unixMilliseconds: UInt64(clamping: date) &* 1000).append(to: &text)
        return String(text.bytes)
    }
}

extension IdentityFile.Finding {
    fileprivate func sentence(of path: String) -> String {
        switch self {
        case .absent: "no identity was kept"
        case .loaded: "loaded the identity kept in \(path)"
        case .unreadable(let error): "\(path) cannot be read: \(error)"
        case .damaged: "\(path) is damaged, and as good as not there"
        case .unusable(let error): "\(path) is as good as not there: \(error)"
        case .foreign(let service): "\(path) belongs to a sidecar of service \"\(service)\""
        }
    }
}

extension IdentityState.Proof {
    var name: String {
        switch self {
        case .certificate: "certificate"
        case .token: "token"
        }
    }
}
