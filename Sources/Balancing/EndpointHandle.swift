/// Names an endpoint of one balancer for as long as something refers to it.
///
/// The slot stays the same over updates, so that a caller can keep tables beside the balancer; the
/// generation tells a slot's later tenant from its earlier one.
public struct EndpointHandle: Hashable, Sendable {
    public let slot: UInt32
    public let generation: UInt32
}

/// What makes an endpoint the same one before and after an update.
public struct EndpointIdentity: Hashable, Sendable, CustomStringConvertible {
    /// An address in text, such as `127.0.0.1` or `::1`.
    public let host: String
    public let port: UInt16

    /// `127.0.0.1:80`, or `[::1]:80`.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// What an update changed, for the caller's own tables.
public struct EndpointChanges: Equatable, Sendable {
    public var added: [EndpointHandle] = []
    /// No new request goes there; what is on its way may finish.
    public var removed: [EndpointHandle] = []
}

/// What became of an attempt, as far as it says something about its endpoint.
public enum EndpointOutcome: Equatable, Sendable {
    case connected
    /// Refused, unreachable or out of time.
    case connectFailed
    case answered(status: UInt16)
    /// The connection ended before the response was complete.
    case reset
    /// No response in the time that the route allows.
    case timedOut
}
