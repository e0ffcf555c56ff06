import Balancing
import Mesh
import Testing

@Suite struct `An endpoint that cannot be reached` {
    @Test func `is left out at once`() throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        balance.report(.connectFailed, 1)
        #expect(balance.counts(of: 100) == [2: 100])
        let summary = balance.summaries[0]
        #expect(summary.ejection == .unreachable)
        #expect(summary.statistics.ejections == 1)
    }

    @Test func `is tried by one request after a pause, and comes back with success`() throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        balance.report(.connectFailed, 1)
        balance.wait(milliseconds: 249)
        #expect(balance.counts(of: 10) == [2: 10])
        balance.wait(milliseconds: 1)
        #expect(balance.counts(of: 10) == [1: 1, 2: 9])
        balance.report(.connected, 1)
        #expect(balance.counts(of: 10) == [1: 5, 2: 5])
    }

    @Test func `is tried at least once in a second, however long it was away`() throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        balance.report(.connectFailed, 1)
        for _ in 0..<30 {
            balance.wait(milliseconds: 1000)
            #expect(balance.counts(of: 20) == [1: 1, 2: 19])
            balance.report(.connectFailed, 1)
        }
        #expect(balance.counts(of: 20) == [2: 20])
        balance.wait(milliseconds: 1000)
        _ = balance.counts(of: 2)
        balance.report(.answered(status: 200), 1)
        #expect(balance.counts(of: 20) == [1: 10, 2: 10])
    }

    @Test func `is tried again when nothing was heard of the trial`() throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        balance.report(.connectFailed, 1)
        balance.wait(milliseconds: 250)
        #expect(balance.counts(of: 20) == [1: 1, 2: 19])
        balance.wait(milliseconds: 1000)
        #expect(balance.counts(of: 20) == [1: 1, 2: 19])
    }

    @Test func `is used all the same when there is no other`() throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        balance.report(.connectFailed, 1)
        balance.report(.connectFailed, 2)
        #expect(balance.counts(of: 10) == [1: 5, 2: 5])
    }

    @Test func `counts as ejected when one of several workers has ejected it`() throws {
        let one = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        let other = try Balance([[try endpoint(2), try endpoint(1)]], cluster())
        one.report(.connectFailed, 1)
        other.report(.answered(status: 500), 1)
        let merged = EndpointSummary.merged([one.summaries, other.summaries])
        #expect(merged.map(\.address.port) == [1, 2])
        #expect(merged.map(\.ejection) == [.unreachable, .none])
        #expect(merged[0].statistics.connectFailures == 1)
        #expect(merged[0].statistics.errors == 1)
    }

    @Test func `stays known over an update`() throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2)]], cluster())
        balance.report(.connectFailed, 1)
        _ = try balance.update([[try endpoint(3), try endpoint(1)]], cluster())
        #expect(balance.counts(of: 10) == [3: 10])
    }
}

@Suite struct `Outlier detection` {
    private func rules(
        percent: UInt32 = 100, gateway: UInt32 = 0
    ) throws -> OutlierDetection {
        try OutlierDetection(
            consecutiveServerErrors: 5, consecutiveGatewayFailures: 3,
            maximumEjectionPercent: percent, enforcingConsecutiveGatewayFailures: gateway)
    }

    private func balance(_ rules: OutlierDetection?, endpoints: UInt16 = 2) throws -> Balance {
        try Balance(
            [try (1...endpoints).map { try endpoint($0) }], cluster(outlierDetection: rules))
    }

    @Test func `does nothing unless the cluster asks for it`() throws {
        let balance = try balance(nil)
        balance.report(.answered(status: 503), 1, times: 1000)
        balance.report(.timedOut, 1, times: 1000)
        #expect(balance.counts(of: 10) == [1: 5, 2: 5])
    }

    @Test(arguments: [
        EndpointOutcome.answered(status: 500), .answered(status: 503), .reset, .timedOut,
    ])
    func `leaves out after five failures in a row`(failure: EndpointOutcome) throws {
        let balance = try balance(rules())
        balance.report(failure, 1, times: 4)
        balance.report(.answered(status: 404), 1)
        balance.report(failure, 1, times: 4)
        #expect(balance.counts(of: 10) == [1: 5, 2: 5])
        balance.report(failure, 1)
        #expect(balance.counts(of: 10) == [2: 10])
    }

    @Test func `counts gateway failures apart`() throws {
        let balance = try balance(rules(gateway: 100))
        balance.report(.answered(status: 502), 1, times: 2)
        balance.report(.answered(status: 500), 1)
        #expect(balance.counts(of: 10) == [1: 5, 2: 5])
        balance.report(.answered(status: 200), 1)
        balance.report(.answered(status: 504), 1, times: 3)
        #expect(balance.counts(of: 10) == [2: 10])
    }

    @Test func `leaves out for longer each time, up to the longest, and forgives`() throws {
        let balance = try balance(rules())
        for seconds in [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300] as [UInt64] {
            balance.report(.reset, 1, times: 5)
            balance.wait(milliseconds: seconds * 1000 - 1)
            #expect(balance.counts(of: 4) == [2: 4], "\(seconds) s")
            balance.wait(milliseconds: 1)
            #expect(balance.counts(of: 4) == [1: 2, 2: 2], "\(seconds) s")
        }
        balance.wait(milliseconds: 200_000)
        balance.report(.reset, 1, times: 5)
        balance.wait(milliseconds: 30_000)
        #expect(balance.counts(of: 4) == [1: 2, 2: 2])
    }

    @Test func `is not undone by a late answer`() throws {
        let balance = try balance(rules())
        balance.report(.reset, 1, times: 5)
        balance.report(.answered(status: 200), 1)
        #expect(balance.counts(of: 10) == [2: 10])
    }

    @Test(arguments: [(UInt32(0), 0), (10, 1), (20, 2), (25, 3), (50, 5), (100, 10)])
    func `leaves out no more than the percentage`(percent: UInt32, ejected: Int) throws {
        let balance = try balance(rules(percent: percent), endpoints: 10)
        for port in UInt16(1)...10 { balance.report(.reset, port, times: 5) }
        let outliers = balance.summaries.count { $0.ejection == .outlier }
        #expect(outliers == ejected)
    }

    @Test func `ignores what belongs to an endpoint that is gone`() throws {
        let balance = try balance(rules())
        let old = try #require(balance.handle(1))
        _ = try balance.update([[try endpoint(2)]], cluster(outlierDetection: rules()))
        _ = try balance.update(
            [[try endpoint(2), try endpoint(3)]], cluster(outlierDetection: rules()))
        for _ in 0..<10 { balance.report(.connectFailed, for: old) }
        balance.end(old)
        #expect(balance.address(of: old) == nil)
        #expect(balance.counts(of: 10) == [2: 5, 3: 5])
    }
}
