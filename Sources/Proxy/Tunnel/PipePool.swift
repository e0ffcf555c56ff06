import Kernel

/// The pipes of one worker, lent to directions of tunnels that have bytes on their way.
///
/// An idle tunnel has none. When all are lent, or descriptors have run out, bytes are copied.
final class PipePool {
    /// Most pipes at a time; each is two descriptors, and a user's pipes share a bound (pipe(7)).
    static let limit = 256
    /// Most pipes that wait for the next tunnel.
    static let spareLimit = 32

    private var spare: [SplicePipe] = []
    private(set) var lentCount = 0

    /// An empty pipe; `nil` when there is none to be had.
    func take() -> SplicePipe? {
        guard lentCount < Self.limit, let pipe = spare.popLast() ?? (try? SplicePipe()) else {
            return nil
        }
        lentCount += 1
        return pipe
    }

    /// Takes a pipe back; one that holds bytes that nobody wants any more is closed.
    func put(_ pipe: SplicePipe) {
        lentCount -= 1
        if pipe.byteCount == 0, spare.count < Self.spareLimit { spare.append(pipe) }
    }
}
