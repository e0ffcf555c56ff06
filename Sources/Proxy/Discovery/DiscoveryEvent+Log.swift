import HTTP
import Kernel
import XDS

/// What the process says of its control plane.
extension DiscoveryClient.Event {
    var level: LogLevel {
        switch self {
        case .connected: .info
        case .unsecured: .warning
        case .disconnected, .unresolved, .notSaved, .unreadableMessage: .warning
        case .notice(let notice): notice.level
        case .found(let finding): finding.level
        }
    }

    var sentence: String {
        switch self {
        case .connected(let address): "connected to the control plane at \(address)"
        case .disconnected(let status, let delay):
            "lost the control plane: \(status.code) \(status.message); trying again in \(delay)"
        case .unresolved(let host, let delay):
            "the control plane's name \(host) has no address; trying again in \(delay)"
        case .unsecured(let reason, let delay):
            "cannot connect to the control plane: \(reason); trying again in \(delay)"
        case .notice(let notice): notice.sentence
        case .found(let finding): finding.sentence
        case .notSaved(let error): "the configuration could not be kept on disk: \(error)"
        case .unreadableMessage: "the control plane sent what is no discovery response"
        }
    }
}

extension ConfigurationState.Notice {
    fileprivate var level: LogLevel {
        switch self {
        // Who presents what from now on is worth knowing.
        case .accepted(.secret, _): .info
        case .accepted: .debug
        case .rejected, .unknownType, .gaveUpWaiting, .failed: .warning
        case .unknownField: .info
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .accepted(let type, let version): "\(type.name) version \(version) is in effect"
        case .rejected(let type, let version, let reason):
            "refused \(type.name) version \(version): \(reason)"
        case .unknownField(let field): "ignored an unknown field: \(field)"
        case .unknownType(let url): "the control plane sent resources of unknown type \(url)"
        case .gaveUpWaiting(.secret, let name):
            "Secret \"\(name)\" has not come; what needs it stays as it was, or has no peers"
        case .gaveUpWaiting(let type, let name):
            "\(type.name) \"\(name)\" has not come; going on without it"
        case .failed(let type, let name, let reason):
            "\(type.name) \"\(name)\" could not be put in effect: \(reason)"
        }
    }
}

extension StateDirectory.Finding {
    fileprivate var level: LogLevel {
        switch self {
        case .loaded, .absent: .info
        case .unreadable, .unusable, .foreign: .warning
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .loaded(let generation): "loaded kept configuration number \(generation)"
        case .absent: "no configuration was kept"
        case .unreadable(let file, let error): "\(file) cannot be read: \(error)"
        case .unusable(let file, let error): "\(file) cannot be used: \(error)"
        case .foreign(let file, let cluster):
            "\(file) belongs to a sidecar of service \"\(cluster)\""
        }
    }
}
