import Bytes
public import EventLoop
public import Kernel

/// A connected socket on a loop, with the bytes that the kernel has not taken yet.
///
/// Writes go to the kernel at once; only what it refuses is queued, and only then is the loop
/// asked to tell when there is room (``flush()``). The owner bounds the queue: it stops producing
/// while ``queuedByteCount`` is not zero.
public struct StreamSocket: ~Copyable {
    /// `nil` once closed.
    private var socket: Socket?
    private let loop: EventLoop
    private var token: Token?
    private var interest: Readiness = []
    private var queue = Buffer()
    /// Whether what arrives is asked for.
    public private(set) var isReading = false

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
        if let token { loop.deregister(token) }
        token = nil
        socket = nil
        queue.release()
    }

    /// Starts watching; `handler` is kept until this value goes away.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    public mutating func register(
        _ handler: any EventHandler, for interest: Readiness
    ) throws(Errno) {
        token = try socket?.watch(on: loop, for: interest, handler: handler)
        self.interest = interest
        isReading = interest.contains(.readable)
    }

    /// Gives the socket away as it is; this value is closed then.
    ///
    /// - Parameter handler: Who hears of it from now on.
    /// - Returns: The open socket.
    public mutating func handOver(to handler: any EventHandler) -> StreamSocket {
        var heir = StreamSocket(loop: loop)
        swap(&heir, &self)
        if let token = heir.token { loop.hand(token, over: handler) }
        return heir
    }

    private init(loop: EventLoop) {
        self.loop = loop
    }

    /// How many bytes wait for the kernel.
    public var queuedByteCount: Int { queue.count }

    /// Reads what has arrived into `room`.
    ///
    /// - Throws: What recv(2) reports.
    public func receive(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer {
        try socket?.receive(into: &room) ?? .ended
    }

    /// Writes `bytes`, or queues what the kernel does not take.
    ///
    /// - Throws: What send(2) reports; the connection is of no use for writing then.
    public mutating func write(_ bytes: Span<UInt8>) throws(Errno) {
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
        if first.isEmpty || second.isEmpty || !queue.isEmpty {
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
        updateInterest()
        return true
    }

    /// Starts or stops asking for what arrives; while stopped, the peer is slowed down by TCP.
    public mutating func setReading(_ isReading: Bool) {
        if self.isReading == isReading { return }
        self.isReading = isReading
        updateInterest()
    }

    /// Tells the peer that no more bytes come, and goes on reading.
    public func shutdownWriting() {
        socket?.shutdownWriting()
    }

    /// Whether there is something to read, be it the end, as far as the kernel knows now.
    public func hasInput() -> Bool {
        socket?.hasInput() ?? true
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

    fileprivate func watch(
        on loop: EventLoop, as token: Token, for interest: Readiness
    ) throws(Errno) {
        try loop.modify(token, descriptor, for: interest)
    }
}
