public import Kernel
import Synchronization

/// Messages from any thread to the one loop that watches ``wakeUp``.
///
/// The reader registers `wakeUp.descriptor` for reading and calls ``take()`` when it is readable.
public final class Mailbox<Message: Sendable>: Sendable {
    public let wakeUp: WakeUp
    private let messages = Mutex<[Message]>([])

    /// - Throws: What eventfd(2) reports.
    public init() throws(Errno) {
        wakeUp = try WakeUp()
    }

    public func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        wakeUp.ring()
    }

    /// All messages that arrived since the last call, in their order.
    public func take() -> [Message] {
        wakeUp.silence()
        return messages.withLock { waiting in
            let taken = waiting
            waiting.removeAll()
            return taken
        }
    }
}
