import CLinux
import Glibc

/// A thread of the system, joined by whoever started it.
public struct Thread: ~Copyable {
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: Shown by ps and debuggers; the kernel keeps 15 bytes.
    ///   - body: What the thread runs; it ends when `body` returns.
    /// - Throws: What pthread_create(3) reports.
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        let start = unsafe Unmanaged.passRetained(
            Start(name: String(name.prefix(15)), body: body))
        var handle = pthread_t()
        let result = unsafe pthread_create(
            &handle, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe pointsman_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        if result != 0 {
            unsafe start.release()
            throw Errno(rawValue: result)
        }
        self.handle = handle
    }

    /// How long the calling thread has been on a processor since it was started.
    public static func cpuNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Lets the thread end by itself, with nobody waiting.
    public consuming func detach() {
        _ = pthread_detach(handle)
    }

    /// Waits until the thread has ended.
    public consuming func join() {
        _ = pthread_join(handle, nil)
    }
}

private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}
