import Bytes
import EventLoop
import HTTP2
import Kernel
import Telemetry
import Transport

/// What arrives: read, given to the session, and dispatched to the streams.
extension HTTP2ServerConnection {
    /// Whether the session would take input now.
    var takesInput: Bool { !session.isInputBlocked && !isStalled }

    /// Whether the kernel holds back what is due.
    var isStalled: Bool { (socket?.queuedByteCount ?? 0) > 0 }

    /// Whether what the client sends is read.
    var isReading: Bool { incoming.isEmpty && takesInput }

    /// Whether what is left of the last receive can be worked on at once.
    var hasWaitingInput: Bool { !incoming.isEmpty && takesInput }

    func read() {
        if !incoming.isEmpty { return }
        var buffer = worker.takeScratch()
        var room = buffer.room(minimum: Worker.receiveByteCount)
        do throws(Errno) {
            switch try socket?.receive(into: &room) ?? .ended {
            case .wouldBlock: break
            case .ended: lose()
            case .bytes(let count):
                lastHeard = worker.loop.now
                pingedAt = nil
                buffer.commit(count)
                receive(buffer.bytes)
            }
        } catch {
            listener.countFailure(of: socket?.security, with: peer)
            lose()
        }
        worker.returnScratch(buffer)
    }

    /// Goes on with what is left of the last receive.
    func resume() {
        if !takesInput { return }
        var buffer = Buffer()
        swap(&buffer, &incoming)
        receive(buffer.bytes)
    }

    /// Gives the session what has arrived, a bounded part of it in one turn, and keeps the rest.
    func receive(_ input: Span<UInt8>) {
        var taken = 0
        var round = 0
        while taken < input.count, round < Self.roundsPerTurn, takesInput {
            round += 1
            let rest = input.extracting(taken...)
            do throws(SessionError) {
                taken += try session.receive(rest, nowNanoseconds: worker.loop.now.nanoseconds)
                dispatch(rest)
            } catch {
                dispatch(rest)
                fail(error)
                return
            }
        }
        if taken < input.count { incoming.append(input.extracting(taken...)) }
        noteArrivingHead()
        planFlush()
    }

    /// A head that has begun has to come to its end in time, each in a time of its own.
    func noteArrivingHead() {
        if session.arrivingHead == arrivingHead { return }
        arrivingHead = session.arrivingHead
        headStartedAt = arrivingHead == nil ? nil : worker.loop.now
        if headStartedAt != nil { arm(by: nextDeadline()) }
    }

    func dispatch(_ input: Span<UInt8>) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let handle): open(handle)
            case .data(let handle, let range): carry(handle)?.bodyArrived(input.extracting(range))
            case .trailers(let handle): carry(handle)?.trailersArrived()
            case .end(let handle): carry(handle)?.requestEnded()
            case .endSent(let handle): carry(handle)?.endSent()
            case .drained(let handle): carry(handle)?.drained()
            case .closed(let handle, _): closed(handle)
            case .settings: isGreeted = true
            case .response, .pingAcknowledged, .goAway: break
            }
        }
        carry(nil)
    }

    /// Dispatches what came of sending, where no input is lent.
    func dispatch() {
        let none: [UInt8] = []
        dispatch(none.span)
    }

    private func open(_ handle: StreamHandle) {
        carry(nil)
        let slot = Int(handle.slot)
        while streams.count <= slot { streams.append(nil) }
        worker.metrics.http2Requests.add()
        let stream = worker.takeStream()
        streams[slot] = stream
        current = stream
        stream.open(handle, on: self)
        if hasLivedLongEnough { beginDraining() }
    }

    /// Whose event is next: the input of the one before is handed to its upstream first, since
    /// output to upstreams is put together in one place.
    @discardableResult
    private func carry(_ handle: StreamHandle?) -> HTTP2ServerStream? {
        let next: HTTP2ServerStream? =
            if let handle, Int(handle.slot) < streams.count { streams[Int(handle.slot)] } else {
                nil
            }
        if current === next { return next }
        let last = current
        current = next
        last?.inputEnded()
        return next
    }

    private func closed(_ handle: StreamHandle) {
        guard let stream = carry(handle) else { return }
        current = nil
        let reason: ResponseFlags =
            switch session.closer {
            case .peer: .downstreamRemoteReset
            case .broken: .downstreamProtocolError
            case .both, .us, .shutdown:
                if case .open = state { [] } else { .downstreamConnectionTermination }
            }
        stream.closed(reason)
        streams[Int(handle.slot)] = nil
        worker.returnStream(stream)
        // This one is still counted.
        if session.openStreamCount <= 1 {
            idleSince = worker.loop.now
            arm(by: nextDeadline())
        }
    }
}
