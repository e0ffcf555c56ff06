import Bytes
import EventLoop
import HTTP
import HTTP1
import Kernel
import TLS
import Transport

/// One HTTP/1.1 connection that carries one request at a time.
final class HTTP1Client: EventHandler, LoadConnection {
    private enum State {
        /// Connects again at the next tick.
        case closed
        case connecting(since: UInt64)
        /// The peers shake hands.
        case securing(since: UInt64)
        case idle
        case carrying(Flight)
        /// For good.
        case shut
    }

    private(set) var epoch: UInt32 = 0
    private let lane: Lane
    private let place: UInt32
    private var state = State.closed
    private var stream: StreamSocket?
    private var decoder: ResponseDecoder
    private var head = ResponseHead()
    private var version = VersionTally.Slot.unnamed
    private var receivedByteCount = 0
    private var answerCount = 0
    private let method: Method
    private let message: [UInt8]

    private static let limits = Limits(headBytes: BenchLimits.responseHeadByteCount)

    init(place: UInt32, lane: Lane) {
        self.place = place
        self.lane = lane
        decoder = ResponseDecoder(limits: Self.limits)
        method = Method(lane.target.content.method.utf8.span)
        message = lane.target.message
    }

    func open() {
        guard case .closed = state else { return }
        state = .connecting(since: Instant.now().nanoseconds)
        do throws(Errno) {
            var stream = StreamSocket(
                try Socket.connecting(to: lane.target.address), on: lane.loop)
            try stream.register(self, for: .writable)
            self.stream = .some(stream)
        } catch {
            failConnecting(.system(error))
        }
    }

    func begin(_ flight: Flight) {
        state = .carrying(flight)
        receivedByteCount = 0
        decoder.expect(responseTo: method)
        let message = message
        do throws(Errno) {
            try stream?.write(message.span)
        } catch {
            // The peer may have answered before it stopped reading; its end follows.
            return
        }
    }

    func tick(now: UInt64) {
        switch state {
        case .closed: open()
        case .connecting(let since):
            if now > since + lane.target.timeoutNanoseconds { failConnecting(.system(.timedOut)) }
        case .securing(let since):
            if now > since + lane.target.timeoutNanoseconds { failConnecting(.security(.timedOut)) }
        case .carrying(let flight):
            if now > flight.sent + lane.target.timeoutNanoseconds { fail(.timeout, now: now) }
        case .idle, .shut: break
        }
    }

    func shut() {
        close()
        state = .shut
    }

    func handle(_ readiness: Readiness) {
        switch state {
        case .connecting(let since): finishConnecting(since)
        case .securing(let since): shakeHands(since, readiness)
        case .idle: read()
        case .carrying:
            if readiness.contains(.writable) { flush() }
            if !readiness.subtracting(.writable).isEmpty { read() }
        case .closed, .shut: break
        }
    }

    // MARK: Connecting

    private func finishConnecting(_ since: UInt64) {
        do throws(ConnectFault) {
            try stream?.begin(for: lane, speaking: "http/1.1")
        } catch {
            return failConnecting(error)
        }
        state = .securing(since: since)
        shakeHands(since, [])
    }

    private func shakeHands(_ since: UInt64, _ readiness: Readiness) {
        do throws(ConnectFault) {
            let isWritable = readiness.contains(.writable)
            guard try stream?.shakeHands(asWritable: isWritable) ?? false else { return }
        } catch {
            return failConnecting(error)
        }
        decoder = ResponseDecoder(limits: Self.limits)
        answerCount = 0
        state = .idle
        let now = Instant.now().nanoseconds
        lane.opened(after: now - min(since, now), tickets: 1, ticket)
    }

    private func failConnecting(_ fault: ConnectFault) {
        close()
        lane.openFailed(fault)
    }

    private var ticket: Ticket { Ticket(connection: place, epoch: epoch) }

    private func close() {
        stream?.close()
        stream = nil
        epoch &+= 1
        state = .closed
    }

    /// Connects again: at once, unless this connection has brought nothing at all.
    private func reopen() {
        let wasUseful = answerCount > 0
        close()
        if wasUseful, lane.wantsConnections { open() }
    }

    // MARK: Carrying

    private func flush() {
        do throws(Errno) {
            _ = try stream?.flush()
        } catch {
            stream?.discardQueue()
        }
    }

    private func read() {
        var scratch = lane.scratch.take()
        do throws(Errno) {
            var room = scratch.room(minimum: Scratch.byteCount)
            switch try stream?.receive(into: &room) ?? .wouldBlock {
            case .wouldBlock: break
            case .ended: ended()
            case .bytes(let count):
                scratch.commit(count)
                receivedByteCount += count
                decode(scratch.bytes)
            }
        } catch {
            fail(.reset, now: Instant.now().nanoseconds)
        }
        lane.scratch.giveBack(scratch)
    }

    private func decode(_ input: Span<UInt8>) {
        var offset = 0
        while case .carrying(let flight) = state {
            let decoded: Decoded
            do throws(ParseError) {
                decoded = try decoder.next(input.extracting(offset...), head: &head)
            } catch {
                return fail(.malformed, now: Instant.now().nanoseconds)
            }
            offset += decoded.consumed
            switch decoded.event {
            case .needMore: return
            case .head: if !head.isInformational { version = lane.version(of: head) }
            case .body: break
            case .end:
                let isReusable = head.isPersistent && offset == input.count
                return complete(flight, isReusable: isReusable)
            }
        }
        // Nobody asked for what came here.
        reopen()
    }

    private func complete(_ flight: Flight, isReusable: Bool) {
        let now = Instant.now().nanoseconds
        answerCount += 1
        state = .idle
        if !isReusable { close() }
        lane.ended(
            flight, .answered(status: head.status, version: version),
            sentByteCount: message.count, receivedByteCount: receivedByteCount, now: now)
        if !isReusable {
            if case .closed = state, lane.wantsConnections { open() }
        } else if case .idle = state {
            if let next = lane.next(now: now) { begin(next) } else { lane.park(ticket) }
        }
    }

    private func ended() {
        guard case .carrying(let flight) = state else { return reopen() }
        do throws(ParseError) {
            if try decoder.endOfInput() == .endOfBody { return complete(flight, isReusable: false) }
        } catch {}
        fail(.reset, now: Instant.now().nanoseconds)
    }

    private func fail(_ failure: Failure, now: UInt64) {
        guard case .carrying(let flight) = state else { return reopen() }
        let wasUseful = answerCount > 0 || failure == .timeout
        close()
        lane.ended(
            flight, .failed(failure), sentByteCount: message.count,
            receivedByteCount: receivedByteCount, now: now)
        if case .closed = state, wasUseful, lane.wantsConnections { open() }
    }
}
