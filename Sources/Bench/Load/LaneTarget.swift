import HTTP1
import Kernel

/// What one thread has to do for one target.
struct LaneTarget {
    var address: SocketAddress
    var target: Target
    /// `nil` where bytes go as they are.
    var security: LaneSecurity?
    var content: RequestContent
    /// One request in HTTP/1.1.
    var message: [UInt8]
    /// Connections of this thread.
    var connections: Int
    var streams: Int
    var isHTTP2: Bool
    var schedule: Schedule?
    var requests: UInt64?
    var runNanoseconds: UInt64?
    var warmUpNanoseconds: UInt64
    var timeoutNanoseconds: UInt64
    /// In any case; empty when nobody asks.
    var versionHeader: [UInt8]

    /// The share of thread `part` in a plan's load on the target at `index`.
    init(
        plan: LoadPlan, index: Int, address: SocketAddress, security: LaneSecurity?, part: Int,
        seed: UInt64
    ) {
        self.address = address
        self.security = security
        target = plan.targets[index]
        content = plan.request
        message = plan.request.http1Message(
            to: plan.targets[index], endsConnection: plan.reconnects)
        connections = Self.share(of: plan.connections, part: part, parts: plan.threads)
        switch plan.wire {
        case .http1:
            isHTTP2 = false
            streams = 1
        case .http2(let streams):
            isHTTP2 = true
            self.streams = streams
        }
        if case .open(let rate, let arrivals) = plan.pacing {
            // The second target's requests go out halfway between those of the first.
            let place = UInt64(index * BenchLimits.threads.upperBound + part)
            schedule = Schedule(
                perSecond: rate, arrivals: arrivals, part: part, of: plan.threads,
                phase: index == 0 ? 0 : 0.5, seed: seed &+ place)
        }
        if case .requests(let count) = plan.ending {
            let parts = UInt64(plan.threads)
            requests = count / parts + (UInt64(part) < count % parts ? 1 : 0)
        }
        if case .after(let duration) = plan.ending {
            runNanoseconds = duration.wholeNanoseconds
        }
        warmUpNanoseconds = plan.warmUp.wholeNanoseconds
        timeoutNanoseconds = plan.timeout.wholeNanoseconds
        versionHeader = plan.versionHeader.map { Array($0.utf8) } ?? []
    }

    private static func share(of count: Int, part: Int, parts: Int) -> Int {
        count / parts + (part < count % parts ? 1 : 0)
    }
}
