import Mesh

/// Why a configuration that decodes and validates could not be put in effect.
struct ApplyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The part of the snapshot that is to blame.
    enum Part: Equatable, Sendable {
        case listener(String)
        case routeConfiguration(String)
        case cluster(String)
        case secret(String)
    }

    let part: Part
    let reason: String

    init(_ part: Part, _ reason: String) {
        self.part = part
        self.reason = reason
    }

    var description: String {
        switch part {
        case .listener(let name): "listener \"\(name)\": \(reason)"
        case .routeConfiguration(let name): "route configuration \"\(name)\": \(reason)"
        case .cluster(let name): "cluster \"\(name)\": \(reason)"
        case .secret(let name): "secret \"\(name)\": \(reason)"
        }
    }
}

/// Who puts configurations in effect; lives on the main loop.
protocol ConfigurationSink: AnyObject {
    /// Puts `snapshot`, whose references all resolve, in effect on every worker, or nothing.
    ///
    /// - Parameters:
    ///   - snapshot: The whole configuration; what it does not name any more goes away.
    ///   - completion: Called once, on the main loop, after the last worker has swapped its tables:
    ///     from then on every new request is treated as `snapshot` says. With an error, the
    ///     configuration before it is still in effect everywhere.
    func apply(
        _ snapshot: Snapshot, completion: @escaping (Result<Void, ApplyError>) -> Void)
}
