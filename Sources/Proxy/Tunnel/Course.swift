import Bytes
import Kernel
import Telemetry
import Transport

/// One direction of a tunnel, with the bytes that are on their way.
///
/// They go through a pipe and never through this process. Where splice(2) does not help they are
/// copied, by way of the worker's one buffer; what the destination does not take is held here.
struct Course: ~Copyable {
    /// What is left to do when nothing can be moved now.
    enum Pause: Equatable {
        /// The sides tell when there is more to do.
        case waiting
        /// Others have their turn; then it goes on.
        case interrupted
        /// The destination is to be told that no more comes.
        case passEnd
        /// The source failed: nobody knows what it would have sent.
        case sourceFailed
    }

    /// Most bytes that one event moves, so that other connections get their share.
    static let byteCountPerEvent = 1024 * 1024

    var flow = Flow()
    /// How many bytes the destination was sent.
    private(set) var byteCount: UInt64 = 0
    private var pipe: SplicePipe?
    private var held = Buffer()
    private var isCopying = false

    /// Moves what can be moved.
    mutating func move(
        from source: any TunnelEnd, to destination: any TunnelEnd, on worker: Worker,
        counting counter: borrowing Counter
    ) -> Pause {
        let end = byteCount &+ UInt64(Self.byteCountPerEvent)
        let start = byteCount
        defer {
            counter.add(byteCount &- start)
            settle(on: worker)
            source.setReading(flow.wantsInput)
        }
        while byteCount < end {
            switch flow.next {
            case .rest: return .waiting
            case .passEnd: return .passEnd
            case .receive:
                do throws(Errno) {
                    try receive(
                        from: source, to: destination, on: worker, isFirst: byteCount == start)
                } catch {
                    return .sourceFailed
                }
            case .send: sendHeld(to: destination)
            }
        }
        return .interrupted
    }

    /// Gives up what is on its way.
    mutating func abandon(on worker: Worker) {
        held.release()
        if let pipe { worker.pipes.put(pipe) }
        pipe = nil
    }

    /// Keeps no pipe and no memory without bytes in them.
    private mutating func settle(on worker: Worker) {
        if flow.heldByteCount == 0 { abandon(on: worker) }
    }

    private mutating func receive(
        from source: any TunnelEnd, to destination: any TunnelEnd, on worker: Worker, isFirst: Bool
    ) throws(Errno) {
        if !isCopying, source.splices, destination.splices, let pipe = pipe ?? worker.pipes.take() {
            self.pipe = pipe
            do throws(Errno) {
                let transfer = try source.fill(pipe)
                // Where urgent data comes next, splice(2) says that nothing is there, or that no
                // more will come; recv(2) knows better, and steps over it.
                if transfer.byteCount > 0 || transfer == .wouldBlock && !isFirst {
                    flow.received(transfer)
                    return
                }
            } catch {
                guard error == .invalidArgument else { throw error }
                isCopying = true
            }
        }
        try copy(from: source, to: destination, on: worker)
    }

    private mutating func copy(
        from source: any TunnelEnd, to destination: any TunnelEnd, on worker: Worker
    ) throws(Errno) {
        var scratch = worker.takeScratch()
        var room = scratch.room(minimum: Worker.receiveByteCount)
        do throws(Errno) {
            let transfer = try source.receive(into: &room)
            flow.received(transfer)
            scratch.commit(transfer.byteCount)
        } catch {
            worker.returnScratch(scratch)
            throw error
        }
        if case .send = flow.next {
            let transfer = try? destination.send(scratch.bytes)
            scratch.consume(transfer?.byteCount ?? 0)
            sent(transfer, to: destination)
        }
        if flow.heldByteCount > 0 { held.append(scratch.bytes) }
        worker.returnScratch(scratch)
    }

    private mutating func sendHeld(to destination: any TunnelEnd) {
        let transfer: Transfer?
        if let pipe, held.isEmpty {
            transfer = try? destination.drain(pipe)
        } else {
            transfer = try? destination.send(held.bytes)
            held.consume(transfer?.byteCount ?? 0)
        }
        sent(transfer, to: destination)
    }

    /// Takes in what became of a transfer; `nil` when the destination has failed.
    private mutating func sent(_ transfer: Transfer?, to destination: any TunnelEnd) {
        guard let transfer else {
            flow.destinationFailed()
            return
        }
        flow.sent(transfer)
        byteCount &+= UInt64(transfer.byteCount)
        if destination.isFull { flow.sent(.wouldBlock) }
    }
}
