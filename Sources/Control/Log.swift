import Kernel

/// Lines on the standard error stream, each with its time in UTC.
public final class Log {
    private let output = FileDescriptor(owning: 2)

    public init() {}

    /// Writes a line; control characters, which a client may have sent, are left out.
    public func write(_ text: String) {
        let clean = String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }))
        let now = Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000)
        let line = Array("\(timeText(now)) \(clean)\n".utf8)
        // Whoever has closed the stream does not want to read it.
        try? File.write(line.span, to: output)
    }
}
