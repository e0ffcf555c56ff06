import Bytes
import Kernel
import Telemetry

/// How much the proxy says, by Envoy's names.
public enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, warning, error, critical, off

    fileprivate var rank: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .warning: 3
        case .error: 4
        case .critical: 5
        case .off: 6
        }
    }
}

/// What the process says about itself on the standard error; from the main thread only.
final class ProcessLog {
    var level: LogLevel

    init(level: LogLevel) {
        self.level = level
    }

    func write(_ level: LogLevel, _ message: @autoclosure () -> String) {
        if level.rank < self.level.rank || self.level == .off { return }
        var line = Buffer()
        Timestamp(unixMilliseconds: WallClock.nanosecondsSinceEpoch() / 1_000_000).append(to: &line)
        line.append(string: " \(level.rawValue) \(message().onOneLine)\n")
        StandardStream.error.write(String(line.bytes))
    }
}
