import Telemetry

/// How many responses had which status: the usual codes one by one, the rest by class, so that no
/// peer decides how many series there are.
struct StatusCounters: ~Copyable, Sendable {
    static var count: Int { 51 }

    private let counters = InlineArray<51, Counter> { _ in Counter() }

    func add(_ status: UInt16) {
        counters[Self.index(of: status)].add()
    }

    func value(at index: Int) -> UInt64 { counters[index].value }

    /// The code, or its class such as `4xx` where codes are counted together.
    static func label(at index: Int) -> String {
        if index < 5 { return "\(index + 1)xx" }
        for status in UInt16(100)...599 where self.index(of: status) == index {
            return String(status)
        }
        return "other"
    }

    /// The class of what is counted at `index`, from 1 to 5.
    static func statusClass(at index: Int) -> Int {
        switch index {
        case ..<5: index + 1
        case 5: 1
        case 6...14: 2
        case 15...23: 3
        case 24...45: 4
        default: 5
        }
    }

    static func index(of status: UInt16) -> Int {
        switch status {
        case 101: 5
        case 200...208: 6 + Int(status - 200)
        case 300...308: 15 + Int(status - 300)
        case 400...406: 24 + Int(status - 400)
        case 408...417: 31 + Int(status - 408)
        case 422: 41
        case 425: 42
        case 429: 43
        case 431: 44
        case 499...504: 45 + Int(status - 499)
        default: otherIndex(of: status)
        }
    }

    private static func otherIndex(of status: UInt16) -> Int {
        switch status {
        case ..<200: 0
        case ..<300: 1
        case ..<400: 2
        case ..<500: 3
        default: 4
        }
    }
}
