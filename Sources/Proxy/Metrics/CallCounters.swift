import HTTP
import Telemetry

/// How many calls of gRPC ended in which way.
struct CallCounters: ~Copyable, Sendable {
    /// The codes that there are, and behind them calls that ended without one.
    static var count: Int { 18 }

    private let counters = InlineArray<18, Counter> { _ in Counter() }

    /// - Parameter code: `nil` when the response was cut off before it said so.
    func add(_ code: GRPCStatus.Code?) {
        counters[code.map { Int($0.rawValue) } ?? Self.count - 1].add()
    }

    func value(at index: Int) -> UInt64 { counters[index].value }

    /// The code as a number, as `grpc-status` has it.
    static func label(at index: Int) -> String {
        index == count - 1 ? "missing" : String(index)
    }
}
