import HTTP
import Transport
import XDS

/// The aggregated discovery service over gRPC: one ``Subscriber`` to a call.
final class DiscoveryService: GRPCServerDelegate {
    private let publisher: Publisher
    private let time: () -> Duration

    init(_ publisher: Publisher, time: @escaping () -> Duration) {
        self.publisher = publisher
        self.time = time
    }

    func server(
        _ server: GRPCServer, accept call: GRPCServerCall
    ) -> (any GRPCServerCallHandler)? {
        guard call.path == AggregatedDiscoveryService.streamPath else { return nil }
        return DiscoveryCall(call, publisher: publisher, time: time)
    }
}

private final class DiscoveryCall: GRPCServerCallHandler {
    private let publisher: Publisher
    private let subscriber: Subscriber
    private let time: () -> Duration

    init(_ call: GRPCServerCall, publisher: Publisher, time: @escaping () -> Duration) {
        self.publisher = publisher
        self.time = time
        // The call keeps its handler until it is closed.
        subscriber = publisher.subscribe(from: "\(call.peer)") { [weak call] message in
            call?.send(message: message)
        }
    }

    func call(_ call: GRPCServerCall, didReceive message: [UInt8]) {
        switch subscriber.receive(message, at: time()) {
        case .goOn: break
        case .end(let reason): call.finish(GRPCStatus(.invalidArgument, reason))
        }
    }

    func callDidEnd(_ call: GRPCServerCall) {
        call.finish(GRPCStatus(.ok))
    }

    func call(_ call: GRPCServerCall, didClose status: GRPCStatus) {
        publisher.unsubscribe(subscriber)
    }
}
