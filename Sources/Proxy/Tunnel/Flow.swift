import Kernel

/// Where one direction of a tunnel stands: whether it has bytes, an end to pass on, or neither.
///
/// It says what to do next and is told what came of it. Nothing is received before all that was
/// received is sent and there is room for more, so a destination that takes nothing slows its
/// source down.
struct Flow: Equatable {
    enum Phase: Equatable {
        case carrying
        /// The source has ended; the destination does not know yet.
        case ending
        /// The destination has been told of the end.
        case ended
        /// The destination takes no more; what was on its way to it is lost.
        case broken
    }

    enum Step: Equatable {
        case receive
        case send
        /// Tell the destination that no more comes.
        case passEnd
        /// Wait for one of the sides, or for nothing any more.
        case rest
    }

    private(set) var phase = Phase.carrying
    /// How many bytes were received and are not sent yet.
    private(set) var heldByteCount = 0
    private var sourceIsReady = false
    private var destinationIsReady = false

    var next: Step {
        switch phase {
        case .carrying:
            if !destinationIsReady { return .rest }
            if heldByteCount > 0 { return .send }
            return sourceIsReady ? .receive : .rest
        case .ending:
            if !destinationIsReady { return .rest }
            return heldByteCount > 0 ? .send : .passEnd
        case .ended, .broken: return .rest
        }
    }

    /// Whether nothing will move any more.
    var isOver: Bool {
        switch phase {
        case .carrying, .ending: false
        case .ended, .broken: true
        }
    }

    /// Whether what the source has could be sent on.
    var wantsInput: Bool {
        switch phase {
        case .carrying: destinationIsReady && heldByteCount == 0
        case .ending, .ended, .broken: false
        }
    }

    /// The source has bytes, or has ended or failed.
    mutating func sourceBecameReady() {
        sourceIsReady = true
    }

    /// The destination has room, or has failed.
    mutating func destinationBecameReady() {
        destinationIsReady = true
    }

    mutating func received(_ transfer: Transfer) {
        switch transfer {
        case .bytes(let count): heldByteCount += count
        case .wouldBlock: sourceIsReady = false
        case .ended: phase = .ending
        }
    }

    mutating func sent(_ transfer: Transfer) {
        switch transfer {
        case .bytes(let count): heldByteCount -= count
        case .wouldBlock, .ended: destinationIsReady = false
        }
    }

    mutating func endPassed() {
        phase = .ended
    }

    mutating func destinationFailed() {
        phase = .broken
        heldByteCount = 0
    }
}
