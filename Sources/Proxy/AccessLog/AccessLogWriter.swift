import Bytes
import Kernel
import Synchronization
import Telemetry

/// An access log that is open, with the thread that writes it; owned by the main thread.
final class AccessLogFile {
    let writer: AccessLogWriter
    private var thread: Thread?

    /// Opens the file, made when it is not there, and starts the thread.
    ///
    /// - Parameter path: Where lines are appended; `/dev/stdout` is the standard output.
    /// - Throws: What open(2), eventfd(2) or pthread_create(3) reports.
    init(path: String) throws(Errno) {
        let writer = try AccessLogWriter()
        self.writer = writer
        let descriptor = try File.appending(path).release()
        thread = try Thread(name: "access-log") {
            writer.write(to: FileDescriptor(owning: descriptor))
        }
    }

    /// Writes what waits, and ends the thread.
    func finish() {
        writer.finish()
        if let thread = thread.take() { thread.join() }
    }
}

/// What all workers and the writing thread share of an access log, so that no loop ever waits for
/// a disk or a pipe.
final class AccessLogWriter: Sendable {
    let queue = AccessLogQueue()
    private let wakeUp: WakeUp
    private let isEnding = Atomic(false)

    fileprivate init() throws(Errno) {
        wakeUp = try WakeUp(isBlocking: true)
    }

    /// Says that the queue is not empty any more.
    func wake() {
        wakeUp.ring()
    }

    fileprivate func finish() {
        isEnding.store(true, ordering: .releasing)
        wakeUp.ring()
    }

    fileprivate func write(to file: consuming FileDescriptor) {
        var batch = Buffer()
        var isRunning = true
        while isRunning {
            wakeUp.silence()
            isRunning = !isEnding.load(ordering: .acquiring)
            queue.take(into: &batch)
            if batch.isEmpty { continue }
            do throws(Errno) {
                try File.write(batch.bytes, to: file)
            } catch {
                // A full disk or a closed pipe loses lines, never requests.
                queue.countDropped(UInt64(batch.bytes.count(of: UInt8(ascii: "\n"))))
            }
            batch.removeAll()
        }
    }
}

extension Span where Element == UInt8 {
    fileprivate func count(of byte: UInt8) -> Int {
        var count = 0
        for index in indices where self[index] == byte { count += 1 }
        return count
    }
}
