import CLinux
import Glibc

/// A pipe through which bytes go from socket to socket without ever being copied (splice(2)).
///
/// Between two moves the kernel lends it the pages in which the bytes arrived.
public final class SplicePipe {
    /// How many bytes are asked to fit; the kernel may allow less, or hold more in larger pages.
    public static let requestedByteCount = 256 * 1024

    private let readingEnd: FileDescriptor
    private let writingEnd: FileDescriptor
    /// How many bytes are in it.
    public private(set) var byteCount = 0

    /// Makes an empty pipe.
    ///
    /// - Throws: What pipe2(2) reports; see ``Errno/isExhaustion``.
    public init() throws(Errno) {
        var ends: (CInt, CInt) = (-1, -1)
        try Errno.check {
            unsafe withUnsafeMutableBytes(of: &ends) { bytes in
                unsafe pointsman_make_pipe(bytes.assumingMemoryBound(to: CInt.self).baseAddress)
            }
        }
        readingEnd = FileDescriptor(owning: ends.0)
        writingEnd = FileDescriptor(owning: ends.1)
        // A user who has many large pipes already keeps this one as small as it came (pipe(7)).
        _ = pointsman_set_pipe_size(ends.1, CInt(Self.requestedByteCount))
    }

    /// Moves what has arrived at `socket` into the pipe, which must be empty: a full one could not
    /// be told from a socket that has nothing.
    ///
    /// - Throws: What splice(2) reports, except that there is nothing yet.
    public func fill(from socket: borrowing Socket) throws(Errno) -> Transfer {
        assert(byteCount == 0, "a pipe is filled when it is empty")
        let transfer = try Self.move(
            from: socket.descriptor.rawValue, to: writingEnd.rawValue, Self.requestedByteCount)
        if case .bytes(let count) = transfer { byteCount += count }
        return transfer
    }

    /// Moves as much of what is in the pipe as `socket` takes.
    ///
    /// - Throws: What splice(2) reports, except that there is no room now. The process has to
    ///   ignore the signal of a broken pipe (``SignalQueue/ignoreBrokenPipes()``).
    public func drain(to socket: borrowing Socket) throws(Errno) -> Transfer {
        let transfer = try Self.move(
            from: readingEnd.rawValue, to: socket.descriptor.rawValue, byteCount)
        if case .bytes(let count) = transfer { byteCount -= count }
        return transfer
    }

    private static func move(
        from source: CInt, to destination: CInt, _ count: Int
    ) throws(Errno) -> Transfer {
        do throws(Errno) {
            let moved = try Errno.checkCount { pointsman_splice(source, destination, count) }
            return moved == 0 ? .ended : .bytes(moved)
        } catch .wouldBlock {
            return .wouldBlock
        }
    }
}
