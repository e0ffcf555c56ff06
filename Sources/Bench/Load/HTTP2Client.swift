import Bytes
import EventLoop
import HTTP
import HTTP2
import Kernel
import TLS
import Transport

/// One HTTP/2 connection, with prior knowledge or by ALPN, that carries several requests at a
/// time.
final class HTTP2Client: EventHandler, TurnHandler, LoadConnection {
    private enum State {
        /// Connects again at the next tick.
        case closed
        case connecting(since: UInt64)
        /// The peers shake hands.
        case securing(since: UInt64)
        /// Bytes flow; `isGreeted` once the peer's settings have come.
        case open(since: UInt64, isGreeted: Bool)
        /// The peer takes no new requests; those under way come to their end.
        case leaving
        /// For good.
        case shut
    }

    /// What is known of the answer on one stream.
    private struct Exchange {
        var stream: StreamHandle
        var flight: Flight
        var status: UInt16 = 0
        var version = VersionTally.Slot.unnamed
    }

    private static let flushByteCount = 64 * 1024
    private static let protocolName = "h2"

    private(set) var epoch: UInt32 = 0
    private let lane: Lane
    private let place: UInt32
    private let head: RequestHead
    private let body: [UInt8]
    private var state = State.closed
    private var stream: StreamSocket?
    private var session: HTTP2.Session?
    private var input = Buffer()
    private var output = Buffer()
    private var response = ResponseHead()
    /// By the slot of their stream in the session.
    private var exchanges: [Exchange?] = []
    private var exchangeCount = 0
    private var answerCount = 0
    /// Bytes that have gone either way since an answer was last counted.
    private var unclaimed = (sent: 0, received: 0)
    private var isFlushWanted = false

    init(place: UInt32, lane: Lane) {
        self.place = place
        self.lane = lane
        head = lane.target.content.http2Head(to: lane.target.target)
        body = lane.target.content.body
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
        do throws(SubmitError) {
            guard let stream = try submit() else { throw .sessionClosing }
            let slot = Int(stream.slot)
            while exchanges.count <= slot { exchanges.append(nil) }
            exchanges[slot] = Exchange(stream: stream, flight: flight)
            exchangeCount += 1
        } catch {
            leave()
            lane.giveBack(flight, now: Instant.now().nanoseconds)
        }
        wantFlush()
    }

    func tick(now: UInt64) {
        switch state {
        case .closed: open()
        case .connecting(let since), .open(let since, isGreeted: false):
            if now > since + lane.target.timeoutNanoseconds { failConnecting(.system(.timedOut)) }
        case .securing(let since):
            if now > since + lane.target.timeoutNanoseconds { failConnecting(.security(.timedOut)) }
        case .open, .leaving: expire(now: now)
        case .shut: break
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
        case .open, .leaving:
            if readiness.contains(.writable) { flushSocket() }
            if !readiness.subtracting(.writable).isEmpty { read() }
        case .closed, .shut: break
        }
    }

    func turnEnded() {
        isFlushWanted = false
        flush()
        if case .leaving = state, exchangeCount == 0 { reopen() }
    }

    // MARK: Connecting

    private func finishConnecting(_ since: UInt64) {
        do throws(ConnectFault) {
            try stream?.begin(for: lane, speaking: Self.protocolName)
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
            if let security = stream?.security,
                security.applicationProtocol != Self.protocolName
            {
                throw .protocolNotAgreed
            }
        } catch {
            return failConnecting(error)
        }
        session = .some(HTTP2.Session(role: .client, limits: limits))
        state = .open(since: since, isGreeted: false)
        wantFlush()
    }

    /// The server is what is measured, so nothing but its memory use is held against it.
    private var limits: SessionLimits {
        var limits = SessionLimits()
        limits.headByteCount = BenchLimits.responseHeadByteCount
        limits.streamWindowByteCount = 1024 * 1024
        limits.connectionWindowByteCount = 16 * 1024 * 1024
        limits.streamQueueByteCount = max(limits.streamQueueByteCount, body.count)
        limits.sessionQueueByteCount = lane.target.streams * limits.streamQueueByteCount
        limits.glitchBurst = 1_000_000_000
        limits.glitchesPerSecond = 1_000_000_000
        return limits
    }

    private func greet() {
        guard case .open(let since, isGreeted: false) = state else { return }
        state = .open(since: since, isGreeted: true)
        answerCount = 0
        let allowed = Int(clamping: session?.peerConcurrentStreamCount ?? 0)
        let now = Instant.now().nanoseconds
        lane.opened(
            after: now - min(since, now), tickets: min(lane.target.streams, allowed), ticket)
    }

    private func failConnecting(_ fault: ConnectFault) {
        close()
        lane.openFailed(fault)
    }

    private var ticket: Ticket { Ticket(connection: place, epoch: epoch) }

    private func close() {
        stream?.close()
        stream = nil
        session = nil
        input.removeAll()
        output.removeAll()
        exchanges.removeAll()
        exchangeCount = 0
        epoch &+= 1
        state = .closed
    }

    /// The connection is gone: what is under way fails, and another one is opened, at once unless
    /// this one has brought nothing at all.
    private func lose(_ failure: Failure) {
        switch state {
        case .connecting, .securing, .open(_, isGreeted: false):
            return failConnecting(
                .system(failure == .malformed ? .protocolError : .connectionReset))
        case .closed, .shut: return
        case .open, .leaving: break
        }
        let lost = exchanges.compactMap { $0 }
        let wasUseful = answerCount > 0
        close()
        let now = Instant.now().nanoseconds
        for exchange in lost {
            lane.ended(exchange.flight, .failed(failure), now: now)
        }
        if case .closed = state, wasUseful, lane.wantsConnections { open() }
    }

    /// Takes no new requests; the tickets for them are void from now on.
    private func leave() {
        guard case .open = state else { return }
        state = .leaving
        epoch &+= 1
    }

    private func reopen() {
        close()
        if lane.wantsConnections { open() }
    }

    // MARK: Sending

    private func submit() throws(SubmitError) -> StreamHandle? {
        let scheme: Scheme = lane.target.target.isSecure ? .https : .http
        guard
            let stream = try session?.submitRequest(
                head, scheme: scheme, endsStream: body.isEmpty)
        else { return nil }
        let body = body
        if !body.isEmpty {
            try session?.send(body.span, on: stream)
            try session?.end(stream)
        }
        return stream
    }

    private func wantFlush() {
        if isFlushWanted { return }
        isFlushWanted = true
        lane.loop.atEndOfTurn(self)
    }

    private func flush() {
        while session != nil, stream?.queuedByteCount == 0 {
            do throws(SessionError) {
                try session?.flush(into: &output, byteCountLimit: Self.flushByteCount)
            } catch {
                return lose(.malformed)
            }
            let none: [UInt8] = []
            drain(none.span)
            if output.isEmpty { return }
            do throws(Errno) {
                try stream?.write(output.bytes)
                unclaimed.sent += output.count
                output.removeAll()
            } catch {
                return lose(.reset)
            }
        }
    }

    private func flushSocket() {
        do throws(Errno) {
            if try stream?.flush() == true { wantFlush() }
        } catch {
            lose(.reset)
        }
    }

    // MARK: Receiving

    private func read() {
        do throws(Errno) {
            var room = input.room(minimum: Scratch.byteCount)
            switch try stream?.receive(into: &room) ?? .wouldBlock {
            case .wouldBlock: return
            case .ended: return lose(.reset)
            case .bytes(let count):
                input.commit(count)
                unclaimed.received += count
            }
        } catch {
            return lose(.reset)
        }
        takeInput()
        wantFlush()
    }

    private func takeInput() {
        // The connection may be lost while a span of the input is lent.
        var arrived = Buffer()
        swap(&arrived, &input)
        while session != nil, !arrived.isEmpty {
            let taken: Int
            do throws(SessionError) {
                taken =
                    try session?.receive(
                        arrived.bytes, nowNanoseconds: lane.loop.now.nanoseconds) ?? 0
            } catch {
                drain(arrived.bytes)
                return lose(.malformed)
            }
            drain(arrived.bytes)
            if taken == 0 { break }
            arrived.consume(taken)
        }
        if session != nil { swap(&arrived, &input) }
    }

    private func drain(_ arrived: Span<UInt8>) {
        while let event = session?.nextEvent() {
            switch event {
            case .settings: greet()
            case .response(let stream):
                session?.takeResponseHead(into: &response)
                let slot = Int(stream.slot)
                guard !response.isInformational, owns(stream) else { continue }
                exchanges[slot]?.status = response.status
                exchanges[slot]?.version = lane.version(of: response)
            case .data(let stream, let range):
                session?.consume(range.count, on: stream)
            case .closed(let stream, let code): closed(stream, code)
            case .goAway: leave()
            case .request, .trailers, .end, .endSent, .drained, .pingAcknowledged: break
            }
        }
    }

    private func owns(_ stream: StreamHandle) -> Bool {
        let slot = Int(stream.slot)
        return slot < exchanges.count && exchanges[slot]?.stream == stream
    }

    private func closed(_ stream: StreamHandle, _ code: ErrorCode) {
        let slot = Int(stream.slot)
        guard owns(stream), let exchange = exchanges[slot] else { return }
        exchanges[slot] = nil
        exchangeCount -= 1
        let now = Instant.now().nanoseconds
        if code == .refusedStream {
            lane.giveBack(exchange.flight, now: now)
            return goOn(now: now)
        }
        let isAnswered = code == .noError && exchange.status > 0
        if isAnswered { answerCount += 1 }
        let outcome: Outcome =
            isAnswered
            ? .answered(status: exchange.status, version: exchange.version) : .failed(.reset)
        let bytes = unclaimed
        unclaimed = (0, 0)
        lane.ended(
            exchange.flight, outcome, sentByteCount: bytes.sent, receivedByteCount: bytes.received,
            now: now)
        goOn(now: now)
    }

    /// A stream is free again.
    private func goOn(now: UInt64) {
        guard case .open = state else { return }
        if let next = lane.next(now: now) { begin(next) } else { lane.park(ticket) }
    }

    private func expire(now: UInt64) {
        for slot in exchanges.indices {
            guard let exchange = exchanges[slot],
                now > exchange.flight.sent + lane.target.timeoutNanoseconds
            else { continue }
            exchanges[slot] = nil
            exchangeCount -= 1
            session?.reset(exchange.stream, .cancel)
            lane.ended(exchange.flight, .failed(.timeout), now: now)
            goOn(now: now)
        }
        wantFlush()
    }
}
