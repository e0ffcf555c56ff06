import Bytes

/// The buffer into which all connections of a thread read, one after the other.
final class Scratch {
    static let byteCount = 64 * 1024
    private var buffer = Buffer()

    /// Lends the buffer; whoever asks while it is lent gets one of its own.
    func take() -> Buffer {
        var taken = Buffer()
        swap(&taken, &buffer)
        return taken
    }

    func giveBack(_ lent: consuming Buffer) {
        lent.removeAll()
        buffer = lent
    }
}
