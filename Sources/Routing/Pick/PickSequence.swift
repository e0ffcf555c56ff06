import Synchronization

/// Numbers the requests of one split of one route, for all workers of the process.
///
/// It lives as long as the weights stay as they are. New weights begin a new sequence, so the first
/// requests after a push are split exactly, whatever workers that have not swapped yet still do.
public final class PickSequence: Sendable {
    /// Makes the places of picks differ from process to process and from split to split.
    let seed: UInt64
    private let next: Atomic<UInt64>

    init(seed: UInt64) {
        self.seed = seed
        next = Atomic(0)
    }

    /// The number of this request, which no other request gets.
    func take() -> UInt64 {
        next.wrappingAdd(1, ordering: .relaxed).oldValue
    }
}
