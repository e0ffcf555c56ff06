public import Bytes
import Synchronization

/// Finished access-log lines on their way to the one thread that writes them.
///
/// A lock is held for the copy of a batch only, never while bytes are written.
public final class AccessLogQueue: Sendable {
    public enum Offer: Equatable, Sendable {
        /// Nothing waited before, so the writer may be asleep.
        case acceptedByEmptyQueue
        case accepted
        /// The writer is too slow; nothing was taken.
        case full
    }

    /// Most bytes of lines that wait for the writer.
    public let maximumByteCount: Int

    private let waiting = Mutex(Buffer())
    private let dropped = Atomic<UInt64>(0)

    public init(maximumByteCount: Int = 1 << 20) {
        self.maximumByteCount = maximumByteCount
    }

    /// How many lines were dropped because they did not fit.
    public var droppedCount: UInt64 { dropped.load(ordering: .relaxed) }

    /// Takes all of `lines`, or none of them.
    public func offer(_ lines: inout Buffer) -> Offer {
        waiting.withLock { waiting in
            if waiting.count + lines.count > maximumByteCount { return .full }
            let wasEmpty = waiting.isEmpty
            waiting.append(lines.bytes)
            lines.removeAll()
            return wasEmpty ? .acceptedByEmptyQueue : .accepted
        }
    }

    /// Moves everything that waits behind what `batch` holds already; for the writer.
    public func take(into batch: inout Buffer) {
        waiting.withLock { waiting in
            batch.append(waiting.bytes)
            waiting.removeAll()
        }
    }

    /// Counts a line that was dropped; any thread may.
    public func countDropped(_ lineCount: UInt64 = 1) {
        dropped.wrappingAdd(lineCount, ordering: .relaxed)
    }
}
