import HTTP
import Transport
import XDS

/// The aggregated discovery service over gRPC: one ``Subscriber`` to a call.
final class DiscoveryService: GRPCServerDelegate {
    private let publisher: Publisher
    private let time: () -> Duration
    private let log: (String) -> Void

    init(
        _ publisher: Publisher, time: @escaping () -> Duration, log: @escaping (String) -> Void
    ) {
        self.publisher = publisher
        self.time = time
        self.log = log
    }

    func server(
        _ server: GRPCServer, accept call: GRPCServerCall
    ) -> (any GRPCServerCallHandler)? {
        guard call.path == AggregatedDiscoveryService.streamPath else { return nil }
        return accept(call, from: nil)
    }

    /// Takes a stream.
    ///
    /// - Parameters:
    ///   - call: The stream.
    ///   - client: Who has opened it; `nil` where nobody has to show who he is.
    /// - Returns: Who handles it.
    func accept(_ call: GRPCServerCall, from client: VerifiedClient?) -> any GRPCServerCallHandler {
        DiscoveryCall(call, from: client, publisher: publisher, time: time, log: log)
    }
}

private final class DiscoveryCall: GRPCServerCallHandler {
    private let publisher: Publisher
    private let subscriber: Subscriber
    private let time: () -> Duration
    private let log: (String) -> Void

    init(
        _ call: GRPCServerCall, from client: VerifiedClient?, publisher: Publisher,
        time: @escaping () -> Duration, log: @escaping (String) -> Void
    ) {
        self.publisher = publisher
        self.time = time
        self.log = log
        // The call keeps its handler until it is closed.
        subscriber = publisher.subscribe(from: "\(call.peer)", client) { [weak call] message in
            call?.send(message: message)
        }
        subscriber.onEnd = { [weak self, weak call] ending in
            if let call { self?.end(call, ending) }
        }
    }

    func call(_ call: GRPCServerCall, didReceive message: [UInt8]) {
        switch subscriber.receive(message, at: time()) {
        case .goOn: break
        case .end(let ending): end(call, ending)
        }
    }

    private func end(_ call: GRPCServerCall, _ ending: Subscriber.Ending) {
        if ending.isRefusal { log("\(call.peer) is refused: \(ending.status.message)") }
        call.finish(ending.status)
    }

    func callDidEnd(_ call: GRPCServerCall) {
        call.finish(GRPCStatus(.ok))
    }

    func call(_ call: GRPCServerCall, didClose status: GRPCStatus) {
        publisher.unsubscribe(subscriber)
    }
}

extension Subscriber.Ending {
    fileprivate var status: GRPCStatus {
        switch self {
        case .invalid(let reason): GRPCStatus(.invalidArgument, reason)
        case .notAllowed(let reason): GRPCStatus(.permissionDenied, reason)
        case .certificateEnded: GRPCStatus(.unauthenticated, "the certificate has ended")
        }
    }

    /// Whether an operator has to know.
    fileprivate var isRefusal: Bool {
        switch self {
        case .invalid, .certificateEnded: false
        case .notAllowed: true
        }
    }
}
