import CLinux
import Glibc

/// An eventfd(2): any thread rings, the loop that watches it wakes up.
public struct WakeUp: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    /// - Parameter isBlocking: Whether ``silence()`` waits until somebody rings, for a thread
    ///   without a loop.
    /// - Throws: What eventfd(2) reports.
    public init(isBlocking: Bool = false) throws(Errno) {
        let flags = CInt(EFD_CLOEXEC) | (isBlocking ? 0 : CInt(EFD_NONBLOCK))
        descriptor = FileDescriptor(owning: try Errno.check { eventfd(0, flags) })
    }

    /// Makes the descriptor readable; several calls before it is silenced count as one.
    public func ring() {
        _ = eventfd_write(descriptor.rawValue, 1)
    }

    public func silence() {
        var count: eventfd_t = 0
        unsafe _ = eventfd_read(descriptor.rawValue, &count)
    }
}

/// Signals as something to read (signalfd(2)), for the one loop that handles them.
public struct SignalQueue: ~Copyable {
    public let descriptor: FileDescriptor

    /// Blocks `signals` for this thread and those started after, and queues them here.
    ///
    /// - Throws: What sigprocmask(2) or signalfd(2) reports.
    public init(_ signals: [CInt]) throws(Errno) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        try Errno.check { unsafe pthread_sigmask(CInt(SIG_BLOCK), &set, nil) == 0 ? 0 : -1 }
        let flags = CInt(SFD_NONBLOCK) | CInt(SFD_CLOEXEC)
        descriptor = FileDescriptor(
            owning: try Errno.check { unsafe signalfd(-1, &set, flags) })
    }

    /// Lets `signals` do on the calling thread what they do by default, queue or not.
    public static func restoreDefaults(_ signals: [CInt]) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe _ = pthread_sigmask(CInt(SIG_UNBLOCK), &set, nil)
    }

    /// Asks the process to end (SIGTERM).
    public static let terminate = SIGTERM
    /// Sent by Ctrl-C (SIGINT).
    public static let interrupt = SIGINT

    /// The next signal that arrived; `nil` when there is none.
    public func next() -> CInt? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let count = unsafe read(descriptor.rawValue, &info, size)
        return count == size ? CInt(info.ssi_signo) : nil
    }

    /// Lets writes to a closed socket fail instead of ending the process.
    public static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }
}
