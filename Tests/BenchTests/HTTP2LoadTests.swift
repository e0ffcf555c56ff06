import Testing

@testable import Bench

@Suite(.serialized) struct `A run over HTTP2` {
    private static func run(
        _ url: String, _ change: (inout LoadPlan) -> Void = { _ in }
    ) throws -> Recording {
        var plan = LoadPlan(targets: [try Target(parsing: url)])
        plan.ending = .requests(2000)
        plan.wire = .http2(streams: 8)
        plan.connections = 3
        change(&plan)
        return try LoadRun(plan).run().subject
    }

    @Test(arguments: [1, 8, 300])
    func `uses as many streams as it may`(streams: Int) throws {
        let recording = try HTTP2TestServer.serve({ _ in .status(200) }) { url in
            try Self.run(url) {
                $0.wire = .http2(streams: streams)
                $0.versionHeader = "x-version"
            }
        }
        #expect(recording.answeredCount == 2000 && recording.errorCount == 0)
        #expect(recording.versions.entries.map(\.text) == ["v1"])
        #expect(recording.connectTime.count == 3)
    }

    @Test func `keeps to the streams that the server allows`() throws {
        let recording = try HTTP2TestServer.serve(streams: 2, { _ in .status(200) }) { url in
            try Self.run(url) { $0.wire = .http2(streams: 50) }
        }
        #expect(recording.answeredCount == 2000 && recording.errorCount == 0)
    }

    @Test(arguments: [LoadPlan.Pacing.closed, .open(perSecond: 2000, .constant)])
    func `sends again what the server has not processed`(pacing: LoadPlan.Pacing) throws {
        let recording = try HTTP2TestServer.serve({ number in
            number % 50 == 0 ? .last : number % 7 == 0 ? .refusal : .status(200)
        }) { url in try Self.run(url) { $0.pacing = pacing } }
        #expect(recording.answeredCount == 2000)
        #expect(recording.errorCount == 0)
        #expect(recording.connectTime.count > 20, "connections that have ended are opened again")
    }

    @Test func `counts what never goes through`() throws {
        let recording = try HTTP2TestServer.serve({ _ in .refusal }) { url in
            try Self.run(url) { $0.ending = .requests(100) }
        }
        #expect(recording.answeredCount == 0 && recording.count(of: .reset) == 100)
    }

    @Test func `tells statuses, resets and timeouts apart`() throws {
        let recording = try HTTP2TestServer.serve({ number in
            switch number {
            case 100: .nothing
            case 200: .reset
            case 300: .status(404)
            default: .status(200)
            }
        }) { url in try Self.run(url) { $0.timeout = .milliseconds(300) } }
        #expect(recording.count(of: .timeout) == 1 && recording.count(of: .reset) == 1)
        #expect(recording.count(ofStatuses: 400..<500) == 1)
        #expect(recording.answeredCount == 1998 && recording.errorCount == 3)
        #expect(recording.latency.max >= 300_000_000)
    }

    @Test func `goes on when connections end`() throws {
        let recording = try HTTP2TestServer.serve({ number in
            number % 500 == 0 ? .end : .status(200)
        }) { url in try Self.run(url) }
        // Each end takes with it what was under way, of one connection at most.
        #expect((1...32).contains(recording.count(of: .reset)))
        #expect(recording.answeredCount + recording.errorCount == 2000)
    }

    @Test func `carries a body`() throws {
        let recording = try HTTP2TestServer.serve({ _ in .status(200) }) { url in
            try Self.run(url) {
                $0.request.method = "POST"
                $0.request.body = [UInt8](repeating: 0x78, count: 1000)
            }
        }
        #expect(recording.answeredCount == 2000 && recording.sentByteCount > 2_000_000)
    }
}
