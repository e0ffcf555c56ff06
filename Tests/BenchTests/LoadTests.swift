import Kernel
import Synchronization
import Testing
import Transport

@testable import Bench

/// Runs against a server in this process; figures leave room for a machine that does other things.
@Suite(.serialized) struct `A run` {
    private static func run(
        _ url: String, _ change: (inout LoadPlan) -> Void = { _ in }
    ) throws -> LoadResult {
        var plan = LoadPlan(targets: [try Target(parsing: url)])
        plan.ending = .after(.milliseconds(500))
        change(&plan)
        return try LoadRun(plan).run()
    }

    @Test func `in a closed loop counts what the server has seen`() throws {
        let seen = Mutex(0)
        let result = try TestServer.serve({ number, _ in
            seen.withLock { $0 = number }
            return TestServer.Answer(body: String(repeating: "x", count: 1000))
        }) { url in try Self.run(url) { $0.ending = .requests(5000) } }
        #expect(result.subject.answeredCount == 5000)
        #expect(seen.withLock { $0 } == 5000)
        #expect(result.subject.latency.count == 5000 && result.subject.service.count == 5000)
        #expect(result.subject.errorCount == 0 && result.subject.droppedCount == 0)
        #expect(result.subject.receivedByteCount > 5_000_000)
        #expect(result.subject.statuses.map(\.status) == [200])
    }

    @Test(arguments: [LoadPlan.Wire.http1], [LoadPlan.Arrivals.constant, .poisson])
    func `at a rate sends that many`(wire: LoadPlan.Wire, arrivals: LoadPlan.Arrivals) throws {
        let result = try TestServer.serve { url in
            try Self.run(url) {
                $0.pacing = .open(perSecond: 500, arrivals)
                $0.ending = .after(.seconds(2))
                $0.seed = 42
            }
        }
        let count = Double(result.subject.answeredCount + result.subject.droppedCount)
        #expect(abs(count - 1000) <= (arrivals == .constant ? 1 : 160))
        #expect(abs(result.subject.rate - 500) < (arrivals == .constant ? 25 : 90))
        let sent = result.subject.lateness.count + result.subject.waitedCount
        #expect(sent == result.subject.answeredCount)
    }

    @Test func `sees a stall in every request that was due meanwhile`() throws {
        // 400 requests in 2 s, and half a second in which nothing is answered: 100 of them wait.
        let result = try TestServer.serve({ number, _ in
            TestServer.Answer(stall: number == 150 ? .milliseconds(500) : .zero)
        }) { url in
            try Self.run(url) {
                $0.pacing = .open(perSecond: 200, .constant)
                $0.ending = .after(.seconds(2))
                $0.connections = 4
            }
        }
        let recording = result.subject
        #expect(recording.answeredCount == 400)
        let long = recording.latency.recordedValues.filter { $0.nanoseconds > 100_000_000 }
            .reduce(0) { $0 + $1.count }
        let longFromSent = recording.service.recordedValues.filter { $0.nanoseconds > 100_000_000 }
            .reduce(0) { $0 + $1.count }
        // 80 of the 100 wait longer than a fifth of the stall; only those on the wire show it
        // without a schedule.
        #expect((70...110).contains(long), "\(long)")
        #expect(longFromSent <= 4)
        #expect(recording.latency.percentile(90) > 150_000_000)
        #expect(recording.latency.max > 450_000_000)
        #expect(recording.waitedCount > 60)
        #expect(
            result.doubts(about: recording).contains {
                if case .connectionsBusy = $0 { true } else { false }
            })
    }

    @Test func `measures latencies that are known`() throws {
        // Nine of ten at once, one of ten after 60 ms.
        let result = try TestServer.serve({ number, _ in
            TestServer.Answer(delay: number % 10 == 0 ? .milliseconds(60) : .zero)
        }) { url in
            try Self.run(url) {
                $0.pacing = .open(perSecond: 400, .constant)
                $0.ending = .requests(1000)
                $0.connections = 32
            }
        }
        let latency = result.subject.latency
        let slow = latency.recordedValues.filter { $0.nanoseconds >= 59_000_000 }
            .reduce(0) { $0 + $1.count }
        #expect((100...140).contains(slow), "\(slow)")
        #expect(latency.percentile(50) < 30_000_000)
        #expect((59_000_000...120_000_000).contains(latency.percentile(95)))
    }

    @Test func `tells timeouts, statuses and versions apart`() throws {
        let result = try TestServer.serve({ number, _ in
            let version = number % 20 == 0 ? "v2" : "v1"
            return TestServer.Answer(
                status: number % 50 == 0 ? 503 : 200, fields: ["x-version": version],
                isMissing: number == 7)
        }) { url in
            try Self.run(url) {
                $0.ending = .requests(1000)
                $0.timeout = .milliseconds(300)
                $0.versionHeader = "X-Version"
            }
        }
        let recording = result.subject
        #expect(recording.count(of: .timeout) == 1)
        #expect(recording.answeredCount == 999)
        #expect(recording.count(ofStatuses: 500..<600) == 20)
        #expect(recording.errorCount == 21)
        #expect(recording.latency.count == 1000 && recording.failedLatency.count == 21)
        #expect(recording.latency.max >= 300_000_000)
        let versions = Dictionary(
            uniqueKeysWithValues: recording.versions.entries.map { ($0.text, $0.count) })
        #expect(versions["v2"] == 50 && versions["v1"] == 949)
    }

    @Test func `has threads that share the work`() throws {
        let result = try TestServer.serve { url in
            try Self.run(url) {
                $0.threads = 3
                $0.connections = 7
                $0.ending = .requests(1001)
            }
        }
        #expect(result.subject.answeredCount == 1001)
        #expect(result.subject.connectTime.count == 7)
    }

    @Test func `leaves out what it sends to warm up`() throws {
        let seen = Mutex(0)
        let result = try TestServer.serve({ number, _ in
            seen.withLock { $0 = number }
            return TestServer.Answer()
        }) { url in
            try Self.run(url) {
                $0.pacing = .open(perSecond: 200, .constant)
                $0.warmUp = .milliseconds(500)
                $0.ending = .after(.milliseconds(500))
            }
        }
        #expect((98...101).contains(result.subject.answeredCount))
        #expect((198...201).contains(seen.withLock { $0 }))
    }

    @Test(arguments: [LoadPlan.Pacing.closed, .open(perSecond: 200, .constant)])
    func `of two targets loads them alternately`(pacing: LoadPlan.Pacing) throws {
        let result = try TestServer.serve({ _, request in
            TestServer.Answer(delay: request.path == "/slow" ? .milliseconds(20) : .zero)
        }) { url in
            let other = try Target(parsing: url + "fast")
            return try Self.run(url + "slow") {
                $0.targets.append(other)
                $0.pacing = pacing
                $0.ending = .after(.seconds(2))
            }
        }
        let fast = try #require(result.reference)
        #expect(result.subject.latency.percentile(50) >= 19_000_000)
        #expect(fast.latency.percentile(50) < 19_000_000)
        if pacing == .closed {
            #expect(fast.answeredCount > result.subject.answeredCount)
            // Each has had its turn, and nobody two at once.
            let active = result.subject.activeNanoseconds + fast.activeNanoseconds
            #expect((1_500_000_000...2_100_000_000).contains(active))
        } else {
            #expect(result.subject.answeredCount == 400 && fast.answeredCount == 400)
        }
    }

    @Test func `without a server says so at once`() throws {
        let socket = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        let port = socket.localAddress?.port ?? 0
        _ = consume socket
        #expect(throws: BenchError.cannotConnect("127.0.0.1:\(port)", .connectionRefused)) {
            try Self.run("http://127.0.0.1:\(port)/")
        }
    }
}
