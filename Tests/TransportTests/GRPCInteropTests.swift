import Foundation
import HTTP
import Kernel
import TLS
import Testing
import Transport

private let top = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL
/// The Python that Tests/run makes for the end-to-end tests; it has grpcio.
private let python =
    ProcessInfo.processInfo.environment["POINTSMAN_PYTHON"]
    ?? top.appending(path: ".build/python/bin/python").path

private func makePeer(_ arguments: [String]) -> Process {
    let peer = Process()
    peer.executableURL = URL(filePath: python)
    peer.arguments = [top.appending(path: "Tests/EndToEnd/grpc_peer.py").path] + arguments
    return peer
}

/// A folder with what a peer needs for TLS, for as long as `body` runs.
private func withMaterial(of credential: Credential, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, bytes) in [
        ("root.pem", Certificates.root), ("own.pem", credential.certificateChain),
        ("own.key", credential.privateKey),
    ] {
        try Data(bytes).write(to: folder.appending(path: name))
    }
    try body(folder.path)
}

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: python)), .serialized)
struct `With grpcio as peer` {
    @Test func `our server answers its client`() throws {
        try answerClient(of: GRPCBench(), folder: nil)
    }

    @Test func `our server answers its client over TLS`() throws {
        let bench = try GRPCBench(security: .server(clients: .required))
        try withMaterial(of: Certificates.client) { try answerClient(of: bench, folder: $0) }
        #expect(bench.scripted.calls.count > 200)
        #expect(
            bench.scripted.calls.allSatisfy { $0.peerIdentity?.spiffeID == "spiffe://mesh/a" })
    }

    private func answerClient(of bench: GRPCBench, folder: String?) throws {
        let more = folder.map { [$0] } ?? []
        let peer = makePeer(["client", "\(bench.server.address.port)"] + more)
        try peer.run()
        try bench.turn(within: .seconds(60)) { !peer.isRunning }
        #expect(peer.terminationStatus == 0)
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(bench.scripted.statuses.count == bench.scripted.calls.count)
    }

    @Test func `our client understands its server`() throws {
        try understandServer(folder: nil, security: nil)
    }

    @Test func `our client understands its server over TLS`() throws {
        try withMaterial(of: Certificates.server) {
            try understandServer(folder: $0, security: .client(Certificates.client))
        }
    }

    private func understandServer(folder: String?, security: GRPCSecurity?) throws {
        let bench = try GRPCBench()
        let peer = makePeer(["server"] + (folder.map { [$0] } ?? []))
        let (input, output) = (Pipe(), Pipe())
        peer.standardInput = input
        peer.standardOutput = output
        try peer.run()
        defer {
            try? input.fileHandleForWriting.close()
            peer.waitUntilExit()
        }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let port = UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        func call(
            _ path: String, _ delegate: RecordingCall, _ limits: GRPCLimits = GRPCLimits()
        ) -> GRPCClientCall {
            GRPCClientCall(
                loop: bench.loop, address: .loopback(port: port), authority: "localhost",
                path: path, limits: limits, security: security, delegate: delegate)
        }

        let echoed = RecordingCall()
        let echo = call("/test.Test/Echo", echoed)
        let messages = [0, 1, 5, 70_000, 3_000_000].map { [UInt8](repeating: 7, count: $0) }
        for message in messages { echo.send(message: message) }
        try bench.turn { echoed.messages.count == messages.count }
        #expect(echoed.messages == messages)
        echo.finish()

        let failed = RecordingCall()
        call("/test.Test/Fail", failed).send(message: [1])
        let unknown = RecordingCall()
        call("/test.Test/Unknown", unknown).send(message: [1])
        let cancelled = RecordingCall()
        let lasting = call("/test.Test/Echo", cancelled)
        lasting.send(message: [1])
        try bench.turn { !cancelled.messages.isEmpty }
        lasting.cancel()
        try bench.turn {
            [echoed, failed, unknown, cancelled].allSatisfy { !$0.statuses.isEmpty }
        }
        #expect(echoed.statuses == [GRPCStatus(.ok)])
        #expect(failed.statuses == [GRPCStatus(.permissionDenied, "nö: 100%")])
        #expect(unknown.statuses.map(\.code) == [.unimplemented])
        #expect(cancelled.statuses.map(\.code) == [.cancelled])

        // A server with default settings wants to hear no PING more often than every 5 minutes.
        var limits = GRPCLimits()
        limits.keepAliveInterval = .milliseconds(20)
        limits.keepAliveTimeout = .milliseconds(300)
        let restless = RecordingCall()
        let lively = call("/test.Test/Echo", restless, limits)
        try bench.turn { !restless.statuses.isEmpty }
        #expect(restless.statuses.map(\.code) == [.unavailable])
        #expect(lively.wasAskedForFewerPings)
    }
}
