import HTTP
import HTTP2
import Kernel

/// One client's connection: checks what begins, and brings events to its call.
final class GRPCServerConnection: HTTP2ConnectionDelegate {
    private let connection: HTTP2Connection
    private weak var server: GRPCServer?
    private let peer: SocketAddress
    private var calls: [StreamHandle: GRPCServerCall] = [:]
    /// What was no call, and is answered already.
    private var refused: Set<StreamHandle> = []

    init(_ connection: HTTP2Connection, server: GRPCServer, peer: SocketAddress) {
        self.connection = connection
        self.server = server
        self.peer = peer
    }

    func beginShutdown() {
        connection.session.beginShutdown()
        connection.scheduleWork()
    }

    func close() {
        connection.close(.finished)
    }

    func connectionDidOpen(_ connection: HTTP2Connection) {}

    func connectionWillWork(_ connection: HTTP2Connection) {}

    func connection(
        _ connection: HTTP2Connection, didRecord event: SessionEvent, input: Span<UInt8>
    ) {
        switch event {
        case .request(let stream): begin(stream)
        case .data(let stream, let range):
            connection.session.consume(range.count, on: stream)
            calls[stream]?.receive(input.extracting(range))
        case .end(let stream): calls[stream]?.clientEnded()
        case .endSent(let stream):
            if !refused.contains(stream), calls[stream]?.hasClientEnded ?? true { return }
            // The answer is complete, so the client need not go on (RFC 9113 §8.1).
            connection.session.reset(stream, .noError)
            connection.scheduleWork()
        case .closed(let stream, let code):
            refused.remove(stream)
            calls.removeValue(forKey: stream)?.closed(code, connection.end)
        case .response, .trailers, .drained, .settings, .pingAcknowledged, .goAway: break
        }
    }

    func connection(_ connection: HTTP2Connection, didClose reason: HTTP2ConnectionEnd) {
        server?.forget(self, reason, peer: peer)
    }

    private func begin(_ stream: StreamHandle) {
        var head = RequestHead()
        connection.session.takeRequestHead(into: &head)
        guard let server else { return connection.session.reset(stream, .refusedStream) }
        // What is no gRPC call is answered in HTTP's words (gRPC over HTTP/2, Requests).
        if head.method != .post { return refuse(stream, GRPCHeads.refusal(405)) }
        if !GRPCHeads.isGRPC(head.fields) { return refuse(stream, GRPCHeads.refusal(415)) }
        let call = GRPCServerCall(
            head: head, stream: stream, connection: connection, peer: peer, limits: server.limits)
        calls[stream] = call
        if GRPCHeads.isCompressed(head.fields) {
            call.finish(GRPCFramingError.compressed.status)
        } else if let handler = server.delegate?.server(server, accept: call) {
            call.handler = handler
        } else {
            call.finish(GRPCStatus(.unimplemented, "unknown method \(call.path)"))
        }
    }

    private func refuse(_ stream: StreamHandle, _ head: borrowing ResponseHead) {
        try? connection.session.submitResponse(head, on: stream, endsStream: true)
        refused.insert(stream)
    }
}
