import Bytes
public import EventLoop
public import Kernel
import TLS

/// A connected socket on a loop, with the bytes that the kernel has not taken yet.
///
/// Writes go to the kernel at once; only what it refuses is queued, and only then is the loop
/// asked to tell when there is room (``flush()``). The owner bounds the queue: it stops producing
/// while ``queuedByteCount`` is not zero. With TLS on it, bytes are sealed and opened on their way,
/// and everything else is as without.
public struct StreamSocket: ~Copyable {
    /// `nil` once closed.
    var socket: Socket?
    let loop: EventLoop
    private(set) var token: Token?
    private var interest: Readiness = []
    private var queue = Buffer()
    /// Whether what arrives is asked for.
    public private(set) var isReading = false
    /// `nil` where bytes go as they are.
    var channel: SecureChannel?

    public init(_ socket: consuming Socket, on loop: EventLoop) {
        self.socket = .some(socket)
        self.loop = loop
    }

    deinit {
        if let token { loop.deregister(token) }
    }

    public var isOpen: Bool { token != nil }

    /// Closes the socket and forgets the handler; what is queued is lost.
    public mutating func close() {
        if let channel {
            endSealed(channel)
            channel.token = nil
            self.channel = nil
        }
        if let token { loop.deregister(token) }
        token = nil
        socket = nil
        queue.release()
    }

    /// Starts watching; `handler` is kept until this value goes away, or another one is registered.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    public mutating func register(
        _ handler: any EventHandler, for interest: Readiness
    ) throws(Errno) {
        if let token {
            loop.reassign(token, to: handler)
            isReading = interest.contains(.readable)
            updateInterest()
        } else {
            token = try socket?.watch(on: loop, for: interest, handler: handler)
            self.interest = interest
            isReading = interest.contains(.readable)
        }
        channel?.token = token
        channel?.isReading = isReading
    }

    /// Stops watching until a handler is registered again: that a connection is over in both
    /// directions is told as long as it is watched, whatever is asked for.
    public mutating func unwatch() {
        guard let token else { return }
        socket?.unwatch(on: loop)
        loop.deregister(token)
        self.token = nil
        channel?.token = nil
        interest = []
        isReading = false
        channel?.isReading = false
    }

    /// Gives the socket away as it is; this value is closed then.
    ///
    /// - Parameter handler: Who hears of it from now on.
    /// - Returns: The open socket.
    public mutating func handOver(to handler: any EventHandler) -> StreamSocket {
        var heir = StreamSocket(loop: loop)
        swap(&heir, &self)
        if let token = heir.token { loop.reassign(token, to: handler) }
        return heir
    }

    private init(loop: EventLoop) {
        self.loop = loop
    }

    /// How many bytes wait for the kernel.
    public var queuedByteCount: Int { queue.count }

    /// Reads what has arrived into `room`.
    ///
    /// - Throws: What recv(2) reports; with TLS, also `EPROTO` when the session has failed, and
    ///   `ECONNRESET` when it ended without a word (``securityFailure`` says more).
    public mutating func receive(
        into room: inout MutableSpan<UInt8>
    ) throws(Errno) -> Transfer {
        if let channel { return try receiveSealed(channel, into: &room) }
        return try socket?.receive(into: &room) ?? .ended
    }

    /// Looks at what has arrived, and leaves it there; only where bytes go as they are.
    ///
    /// - Throws: What recv(2) reports.
    public func peek(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer {
        try socket?.peek(into: &room) ?? .ended
    }

    /// Lets the socket be readable only when so many bytes have arrived, or the end.
    ///
    /// - Throws: What setsockopt(2) reports.
    public func setLeastReadable(byteCount: Int) throws(Errno) {
        try socket?.setLeastReadable(byteCount: byteCount)
    }

    /// Writes `bytes`, or queues what the kernel does not take.
    ///
    /// - Throws: What send(2) reports; the connection is of no use for writing then.
    public mutating func write(_ bytes: Span<UInt8>) throws(Errno) {
        if let channel {
            try writeSealed(channel, bytes)
        } else {
            try writePlain(bytes)
        }
    }

    mutating func writePlain(_ bytes: Span<UInt8>) throws(Errno) {
        if bytes.isEmpty { return }
        if !queue.isEmpty {
            queue.append(bytes)
            return
        }
        let sent = try send(bytes)
        if sent < bytes.count {
            queue.append(bytes.extracting(sent...))
            updateInterest()
        }
    }

    /// Writes `first` and then `second` in one system call, or queues what the kernel refuses.
    ///
    /// - Throws: What sendmsg(2) reports; the connection is of no use for writing then.
    public mutating func write(_ first: Span<UInt8>, _ second: Span<UInt8>) throws(Errno) {
        if first.isEmpty || second.isEmpty || !queue.isEmpty || channel != nil {
            try write(first)
            try write(second)
            return
        }
        let sent = try send(first, second)
        if sent < first.count { queue.append(first.extracting(sent...)) }
        let sentOfSecond = max(0, sent - first.count)
        if sentOfSecond < second.count {
            queue.append(second.extracting(sentOfSecond...))
            updateInterest()
        }
    }

    private func send(_ bytes: Span<UInt8>) throws(Errno) -> Int {
        guard let sent = try socket?.send(bytes) else { throw .brokenPipe }
        return sent.byteCount
    }

    private func send(_ first: Span<UInt8>, _ second: Span<UInt8>) throws(Errno) -> Int {
        guard let sent = try socket?.send(first, second) else { throw .brokenPipe }
        return sent.byteCount
    }

    /// Hands queued bytes to the kernel; to be called when the socket is writable.
    ///
    /// - Returns: Whether the queue is empty now.
    /// - Throws: What send(2) reports.
    public mutating func flush() throws(Errno) -> Bool {
        while !queue.isEmpty {
            let sent = try send(queue.bytes)
            if sent == 0 { return false }
            queue.consume(sent)
        }
        queue.release()
        if let channel, channel.endsAfterFlush { socket?.shutdownWriting() }
        updateInterest()
        return true
    }

    /// Starts or stops asking for what arrives; while stopped, the peer is slowed down by TCP.
    public mutating func setReading(_ isReading: Bool) {
        if self.isReading == isReading { return }
        self.isReading = isReading
        updateInterest()
        if let channel {
            channel.isReading = isReading
            channel.tellPending()
        }
    }

    /// Tells the peer that no more bytes come, and goes on reading.
    public mutating func shutdownWriting() {
        if let channel, endSealed(channel), !queue.isEmpty {
            channel.endsAfterFlush = true
        } else {
            socket?.shutdownWriting()
        }
    }

    /// Whether there is something to read, be it the end, as far as the kernel knows now.
    ///
    /// With TLS, this takes in what only concerns the session, such as tickets; what more there is,
    /// is lost.
    public mutating func hasInput() -> Bool {
        guard socket?.hasInput() ?? true else { return channel?.hasPending ?? false }
        guard let channel else { return true }
        var rest = Buffer()
        var room = rest.room(minimum: SecureBuffers.byteCount + Session.longestRecordByteCount)
        do throws(Errno) {
            return try receiveSealed(channel, into: &room) != .wouldBlock
        } catch {
            return true
        }
    }

    /// How long the peer has owed an acknowledgement, in nanoseconds; zero when it owes none.
    public func unacknowledgedNanoseconds() -> UInt64 {
        socket?.unacknowledgedNanoseconds() ?? 0
    }

    /// Gives up what is queued, when the peer takes nothing any more; reading goes on.
    public mutating func discardQueue() {
        queue.release()
        updateInterest()
    }

    /// Makes closing reset the connection, so that the peer cannot take it for a clean end.
    public func resetOnClose() {
        channel?.endsSilently = true
        socket?.resetOnClose()
    }

    /// What became of a connection attempt or of the connection since the last call.
    public func takeError() -> Errno? {
        socket?.takeError()
    }

    /// Waits for room as long as something is queued; a connecting socket asks for it by itself.
    public mutating func updateInterest() {
        guard let token else { return }
        var wanted: Readiness = []
        if isReading { wanted.insert(.readable) }
        if !queue.isEmpty { wanted.insert(.writable) }
        if wanted == interest { return }
        // A registered, open descriptor cannot fail here but for lack of kernel memory; then the
        // connection keeps the interest it had and tries again with the next change.
        do throws(Errno) {
            try socket?.watch(on: loop, as: token, for: wanted)
            interest = wanted
        } catch {
            return
        }
    }
}

extension Transfer {
    /// How many bytes went; zero when there was no room or nothing came.
    public var byteCount: Int {
        switch self {
        case .bytes(let count): count
        case .wouldBlock, .ended: 0
        }
    }
}

extension Socket {
    fileprivate func watch(
        on loop: EventLoop, for interest: Readiness, handler: any EventHandler
    ) throws(Errno) -> Token {
        try loop.register(descriptor, for: interest, handler: handler)
    }

    fileprivate func unwatch(on loop: EventLoop) {
        loop.unwatch(descriptor)
    }

    fileprivate func watch(
        on loop: EventLoop, as token: Token, for interest: Readiness
    ) throws(Errno) {
        try loop.modify(token, descriptor, for: interest)
    }
}
