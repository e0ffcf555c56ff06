import Bytes
import EventLoop
import HTTP2
import Kernel
import Transport

/// What is sent, and how the connection ends.
extension HTTP2ServerConnection {
    /// Sends what is due, as much of it as the kernel takes.
    func sendOutput() {
        while case .open = state, let count = socket?.queuedByteCount, count == 0 {
            do throws(SessionError) {
                try session.flush(into: &worker.frames, byteCountLimit: Self.flushByteCount)
            } catch {
                worker.frames.removeAll()
                return fail(error)
            }
            dispatch()
            if worker.frames.isEmpty { return }
            writeFrames()
        }
    }

    private func writeFrames() {
        do throws(Errno) {
            try send(worker.frames)
            worker.frames.removeAll()
            lastProgress = worker.loop.now
        } catch {
            worker.frames.removeAll()
            lose()
        }
    }

    private func send(_ frames: borrowing Buffer) throws(Errno) {
        try socket?.write(frames.bytes)
    }

    /// Lets every stream that was written to see what became of it.
    func settleStreams() {
        var position = 0
        while position < touched.count {
            touched[position].settleOutput()
            position += 1
        }
        touched.removeAll(keepingCapacity: true)
    }

    private func noteGlitches() {
        if session.hasGlitches { worker.metrics.count(session.takeGlitchCounts()) }
    }

    /// After each turn: reads on where that is of use, and ends when both sides are done.
    func settle() {
        guard case .open = state else { return }
        noteArrivingHead()
        noteGlitches()
        if session.isFinished { return finish() }
        let isReading = isReading
        socket?.setReading(isReading)
        if isStalled || hasWaitingInput { arm(by: nextDeadline()) }
    }

    func flushSocket() {
        do throws(Errno) {
            lastProgress = worker.loop.now
            guard try socket?.flush() ?? true else { return }
        } catch {
            return lose()
        }
        switch state {
        case .open: planFlush()
        case .flushing: linger()
        case .lingering, .closed: return
        }
    }

    /// Everything is said: ends the connection as soon as it is sent.
    func finish() {
        state = .flushing
        abandonStreams()
        incoming.release()
        socket?.setReading(false)
        if !isStalled {
            linger()
        } else {
            lastProgress = worker.loop.now
            arm(by: nextDeadline())
        }
    }

    /// Sends the session's last word, so that the client learns why.
    func fail(_ error: SessionError) {
        try? session.flush(into: &worker.frames, byteCountLimit: Self.flushByteCount)
        dispatch()
        writeFrames()
        if case .open = state { finish() }
    }

    /// Asks the client for a sign of life.
    func ping() {
        pingedAt = worker.loop.now
        session.ping(payload: worker.loop.now.nanoseconds)
        planFlush()
    }

    /// Ends a connection whose client does not keep to the times of its listener.
    func end() {
        session.terminate(.noError)
        if isStalled { return lose() }
        planFlush()
    }

    private func linger() {
        socket?.shutdownWriting()
        socket?.setReading(true)
        state = .lingering(until: worker.loop.now + Self.lingerDuration)
        arm(by: nextDeadline())
    }

    func discard() {
        var buffer = worker.takeScratch()
        var room = buffer.room(minimum: Worker.receiveByteCount)
        do throws(Errno) {
            if try socket?.receive(into: &room) == .ended { close() }
        } catch {
            close()
        }
        worker.returnScratch(buffer)
    }

    /// The connection is lost, and with it whoever waits for an answer.
    func lose() {
        if case .open = state {
            state = .flushing
            abandonStreams()
        }
        close()
    }

    private func abandonStreams() {
        session.abandon(.cancel)
        dispatch()
    }

    func close() {
        if case .closed = state { return }
        state = .closed
        noteGlitches()
        worker.metrics.http2ConnectionClosed(session.lastStraw)
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        incoming.release()
        socket?.close()
        socket = nil
        worker.closed(self)
    }
}
