import Foundation
import HTTP
import Kernel
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

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: python)), .serialized)
struct `With grpcio as peer` {
    @Test func `our server answers its client`() throws {
        let bench = try GRPCBench()
        let peer = makePeer(["client", "\(bench.server.address.port)"])
        try peer.run()
        try bench.turn(within: .seconds(60)) { !peer.isRunning }
        #expect(peer.terminationStatus == 0)
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(bench.scripted.statuses.count == bench.scripted.calls.count)
    }

    @Test func `our client understands its server`() throws {
        let bench = try GRPCBench()
        let peer = makePeer(["server"])
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
                path: path, limits: limits, delegate: delegate)
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
