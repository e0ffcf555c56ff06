import Glibc

/// Where a program writes for whoever started it.
public enum StandardStream: CInt, Sendable {
    case output = 1
    case error = 2

    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// Writes all of `text`, which blocks where the reader is slow; what a reader that has gone
    /// away would have read is lost.
    public func write(_ text: String) {
        let descriptor = FileDescriptor(owning: rawValue)
        try? File.write(Array(text.utf8).span, to: descriptor)
        // The stream stays open: it was only lent.
        _ = descriptor.release()
    }
}
