import Mesh
import Telemetry

/// What one worker counts of one listener; written by that worker alone, read by anyone.
final class ListenerMetrics: Sendable {
    let name: String
    let direction: Mesh.Listener.Direction
    let security = SecurityMetrics()
    let access = AccessMetrics()

    /// By the class of the status, `1xx` to `5xx`: how long requests took.
    private let durations = InlineArray<5, Histogram> { _ in Histogram() }

    init(name: String, direction: Mesh.Listener.Direction) {
        self.name = name
        self.direction = direction
    }

    /// Counts a request that has ended.
    func record(status: UInt16, nanoseconds: UInt64) {
        durations[Self.classIndex(of: status)].record(nanoseconds: nanoseconds)
    }

    func add(to summaries: inout [HistogramSummary]) {
        for index in 0..<5 { durations[index].add(to: &summaries[index]) }
    }

    private static func classIndex(of status: UInt16) -> Int {
        switch status {
        case ..<200: 0
        case ..<300: 1
        case ..<400: 2
        case ..<500: 3
        default: 4
        }
    }
}
