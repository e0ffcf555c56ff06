/// What a client has asked for of one type, and how far it is with the answers; no I/O.
///
/// The state-of-the-world protocol over one stream at a time: after a stream is lost, the names and
/// the accepted version survive, nonces do not.
public struct ClientSubscription: Sendable {
    /// One response that has to be answered.
    public struct Receipt: Hashable, Sendable {
        public let version: String
        public let nonce: String
        let stream: UInt64
    }

    private enum Stream: Sendable {
        case closed
        /// `nonce` is that of the latest response, answered or not; empty before the first.
        case open(nonce: String)
    }

    public let type: ResourceType
    /// All names that are subscribed to; empty stands for all listeners or clusters.
    public private(set) var names: [String] = []
    /// The version of the latest response that was accepted; empty when none was.
    public private(set) var acceptedVersion = ""
    private var stream = Stream.closed
    private var streamCount: UInt64 = 0

    public init(type: ResourceType) {
        self.type = type
    }

    /// A stream stands; the node is for the caller to add to the first request of all types.
    ///
    /// - Returns: What to ask for; `nil` when nothing is wanted of this type yet.
    public mutating func streamDidOpen() -> DiscoveryRequest? {
        streamCount &+= 1
        stream = .open(nonce: "")
        return names.isEmpty && !type.isStateOfTheWorld ? nil : request(nonce: "")
    }

    public mutating func streamDidClose() {
        stream = .closed
    }

    /// Changes what is subscribed to; always all of it, since servers wait for the whole.
    ///
    /// - Returns: What to send; `nil` when nothing changed or there is no stream.
    public mutating func subscribe(to names: Set<String>) -> DiscoveryRequest? {
        let sorted = names.sorted()
        if sorted == self.names { return nil }
        self.names = sorted
        switch stream {
        case .closed: return nil
        case .open(let nonce): return request(nonce: nonce)
        }
    }

    /// A response has come; it is answered later with ``accept(_:)`` or ``reject(_:reason:)``.
    ///
    /// - Returns: `nil` when there is no stream that it could have come from.
    public mutating func receive(_ response: DiscoveryResponse) -> Receipt? {
        guard case .open = stream else { return nil }
        stream = .open(nonce: response.nonce)
        return Receipt(version: response.version, nonce: response.nonce, stream: streamCount)
    }

    /// What the response said is in effect.
    ///
    /// - Returns: The ACK; `nil` when its stream is gone.
    public mutating func accept(_ receipt: Receipt) -> DiscoveryRequest? {
        acceptedVersion = receipt.version
        guard isOpen(receipt) else { return nil }
        return request(nonce: receipt.nonce)
    }

    /// What the response said is refused, and what was accepted before stays in effect.
    ///
    /// - Returns: The NACK; `nil` when its stream is gone.
    public mutating func reject(_ receipt: Receipt, reason: String) -> DiscoveryRequest? {
        guard isOpen(receipt) else { return nil }
        var request = request(nonce: receipt.nonce)
        request.errorDetail = reason
        return request
    }

    /// Takes over a version that was accepted in an earlier life, so that a server can compare.
    public mutating func resume(version: String) {
        acceptedVersion = version
    }

    private func isOpen(_ receipt: Receipt) -> Bool {
        guard case .open = stream else { return false }
        return receipt.stream == streamCount
    }

    private func request(nonce: String) -> DiscoveryRequest {
        DiscoveryRequest(
            typeURL: type.typeURL, version: acceptedVersion, resourceNames: names,
            responseNonce: nonce)
    }
}
