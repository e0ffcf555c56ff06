import Bytes
import Kernel
public import TLS

/// TLS.
extension StreamSocket {
    /// Puts TLS on a connection that nothing was read from or written to, on this side.
    ///
    /// ``shakeHands()`` has to be called then, and whenever the socket is readable, until it says
    /// that the handshake is over; nothing may be read or written before.
    ///
    /// - Parameters:
    ///   - context: What is presented and expected.
    ///   - buffers: Those of the loop's thread.
    ///   - serverName: What a client asks for (SNI); `nil` asks for nothing.
    ///   - offer: What a client offers (ALPN) in place of what the context says, the best first.
    /// - Throws: That memory is short, or a name is none.
    public mutating func secure(
        _ context: Context, with buffers: SecureBuffers, serverName: String? = nil,
        offering offer: [String]? = nil
    ) throws(TLSError) {
        let session = try Session(
            context, on: buffers.wire, serverName: serverName, offering: offer)
        let channel = SecureChannel(session, buffers, on: loop)
        channel.token = token
        channel.isReading = isReading
        self.channel = channel
    }

    /// The session, once the handshake is over; `nil` where bytes go as they are.
    public var security: SecureChannel? { channel }

    /// Goes on with the handshake as far as what has arrived allows.
    ///
    /// - Returns: Whether it is over. What came behind it is told to the handler that is registered
    ///   next.
    /// - Throws: Why there will be no session; what the peer is to know of it has been sent.
    public mutating func shakeHands() throws(TLSError) -> Bool {
        guard let channel else { return true }
        var isOver = false
        repeat {
            do throws(Errno) {
                isOver = try shakeHands(channel)
            } catch {
                throw channel.failure ?? .truncated
            }
        } while !isOver && !channel.unread.isEmpty
        if isOver { channel.tellPending() }
        return isOver
    }

    /// One step: with what is there already, with nothing where a client begins, else with what
    /// the socket has.
    private mutating func shakeHands(_ channel: SecureChannel) throws(Errno) -> Bool {
        var input = exchange(&channel.unread, with: Buffer())
        if input.isEmpty, channel.hasBegun {
            input = channel.buffers.take(for: .max)
            var room = input.room(minimum: SecureBuffers.leastByteCount)
            switch try socket?.receive(into: &room) ?? .ended {
            case .wouldBlock:
                channel.buffers.putBack(input)
                return false
            case .ended:
                channel.failure = .truncated
                throw .connectionReset
            case .bytes(let count):
                channel.hasHeard = true
                input.commit(count)
            }
        }
        channel.hasBegun = true
        do throws(TLSError) {
            input.consume(try channel.session.handshake(input.bytes))
        } catch {
            channel.failure = error
            try? sendSealed(channel)
            throw .protocolError
        }
        try sendSealed(channel)
        channel.keep(input)
        return channel.session.isReady
    }

    mutating func receiveSealed(
        _ channel: SecureChannel, into room: inout MutableSpan<UInt8>
    ) throws(Errno) -> Transfer {
        if channel.inputHasEnded { return .ended }
        var input: Buffer
        if channel.hasPending {
            input = exchange(&channel.unread, with: Buffer())
        } else {
            input = channel.buffers.take(for: room.count)
            var sealed = input.room(minimum: SecureBuffers.leastByteCount)
            switch try socket?.receive(into: &sealed) ?? .ended {
            case .wouldBlock:
                channel.buffers.putBack(input)
                return .wouldBlock
            case .ended:
                // Who cuts the connection could have cut anything behind what came.
                channel.failure = .truncated
                throw .connectionReset
            case .bytes(let count): input.commit(count)
            }
        }
        let received: Session.Received
        do throws(TLSError) {
            received = try channel.session.receive(input.bytes, into: &room)
        } catch {
            channel.failure = error
            try? sendSealed(channel)
            throw .protocolError
        }
        try sendAnswer(channel)
        input.consume(received.inputCount)
        channel.keep(input)
        channel.isCutShort = received.isCutShort
        channel.inputHasEnded = received.isLast
        if received.byteCount == 0 { return received.isLast ? .ended : .wouldBlock }
        channel.tellPending()
        return .bytes(received.byteCount)
    }

    /// Sends what the session has to say to what it was sent, to a change of keys for one
    /// (RFC 8446 §4.6.3), but not without end to a peer that takes nothing.
    private mutating func sendAnswer(_ channel: SecureChannel) throws(Errno) {
        let wire = channel.buffers.wire
        if !wire.hasOutput { return }
        let byteCount = wire.output.count
        try sendSealed(channel)
        if queuedByteCount == 0 {
            channel.unsentAnswerByteCount = 0
            return
        }
        channel.unsentAnswerByteCount += byteCount
        if channel.unsentAnswerByteCount > SecureBuffers.unsentAnswerByteCount {
            channel.failure = .flooded
            throw .protocolError
        }
    }

    mutating func writeSealed(
        _ channel: SecureChannel, _ bytes: Span<UInt8>
    ) throws(Errno) {
        do throws(TLSError) {
            try channel.session.send(bytes)
        } catch {
            channel.failure = error
            throw .brokenPipe
        }
        try sendSealed(channel)
    }

    private mutating func sendSealed(_ channel: SecureChannel) throws(Errno) {
        let wire = channel.buffers.wire
        if !wire.hasOutput { return }
        defer { wire.discardOutput() }
        try writePlain(wire.output)
    }

    /// Says that nothing more comes, unless that was said or may not be (RFC 8446 §6.1).
    ///
    /// - Returns: Whether it could be said.
    @discardableResult
    mutating func endSealed(_ channel: SecureChannel) -> Bool {
        guard channel.session.isReady, !channel.outputHasEnded, !channel.endsSilently else {
            return false
        }
        channel.outputHasEnded = true
        channel.session.end()
        do throws(Errno) {
            try sendSealed(channel)
            return true
        } catch {
            return false
        }
    }
}
