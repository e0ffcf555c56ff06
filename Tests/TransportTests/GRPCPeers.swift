import EventLoop
import HTTP
import Kernel
import TLS
import Transport

/// A client call that keeps what it was told.
final class RecordingCall: GRPCClientCallDelegate {
    private(set) var isOpen = false
    private(set) var messages: [[UInt8]] = []
    private(set) var statuses: [GRPCStatus] = []
    var onMessage: ((GRPCClientCall, [UInt8]) -> Void)?

    func callDidOpen(_ call: GRPCClientCall) { isOpen = true }

    func call(_ call: GRPCClientCall, didReceive message: [UInt8]) {
        messages.append(message)
        onMessage?(call, message)
    }

    func call(_ call: GRPCClientCall, didClose status: GRPCStatus) { statuses.append(status) }
}

/// A server whose path says how it answers.
final class ScriptedServer: GRPCServerDelegate, GRPCServerCallHandler {
    private(set) var calls: [GRPCServerCall] = []
    private(set) var received: [[UInt8]] = []
    private(set) var statuses: [GRPCStatus] = []
    private(set) var refusals: [(error: TLSError, names: [String])] = []

    func server(
        _ server: GRPCServer, didRefuse peer: SocketAddress, for error: TLSError, names: [String]
    ) {
        refusals.append((error, names))
    }

    func server(_ server: GRPCServer, accept call: GRPCServerCall) -> (any GRPCServerCallHandler)? {
        if call.path == "/test.Test/Unknown" { return nil }
        calls.append(call)
        return self
    }

    func call(_ call: GRPCServerCall, didReceive message: [UInt8]) {
        received.append(message)
        switch call.path {
        case "/test.Test/Echo": call.send(message: message)
        case "/test.Test/Fail": call.finish(GRPCStatus(.permissionDenied, "nö: 100%"))
        case "/test.Test/Late":
            call.send(message: message)
            call.finish(GRPCStatus(.aborted, "after a message"))
        default: break
        }
    }

    func callDidEnd(_ call: GRPCServerCall) {
        call.finish(GRPCStatus(.ok))
    }

    func call(_ call: GRPCServerCall, didClose status: GRPCStatus) { statuses.append(status) }
}

/// Both ends on one loop, over real sockets.
final class GRPCBench {
    struct TimedOut: Error {}

    let loop: EventLoop
    let scripted = ScriptedServer()
    let server: GRPCServer

    init(limits: GRPCLimits = GRPCLimits(), security: TLS.Context? = nil) throws {
        loop = try EventLoop()
        server = try GRPCServer(
            loop: loop, address: .loopback(port: 0), limits: limits, security: security,
            delegate: scripted)
    }

    deinit {
        server.close()
        // Connections that still linger would keep the loop, which keeps them.
        for _ in 0..<10 { try? loop.turn(longestWait: .milliseconds(2)) }
    }

    func call(
        _ path: String, metadata: [(name: String, value: String)] = [],
        limits: GRPCLimits = GRPCLimits(), security: GRPCSecurity? = nil, delegate: RecordingCall
    ) -> GRPCClientCall {
        GRPCClientCall(
            loop: loop, address: server.address, authority: "control", path: path,
            metadata: metadata, limits: limits, security: security, delegate: delegate)
    }

    /// Turns the loop until `condition` holds, or gives up.
    func turn(within patience: Duration = .seconds(20), until condition: () -> Bool) throws {
        let deadline = Instant.now() + patience
        while !condition() {
            if Instant.now() > deadline { throw TimedOut() }
            try loop.turn(longestWait: .milliseconds(100))
        }
    }
}
