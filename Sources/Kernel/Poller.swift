import CLinux

/// Names one registration; the generation outdates events for a slot's earlier tenant.
public struct Token: Hashable, Sendable {
    public var slot: UInt32
    public var generation: UInt32

    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    var word: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}

/// What a descriptor can do now; each constant is one bit, so that `contains` is exact.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// Both directions are over, or the connection failed; reported whether asked for or not.
    public static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue)
    public static let failed = Readiness(rawValue: EPOLLERR.rawValue)
    /// Asks to be told once when something becomes ready, and not again while it stays so.
    public static let edgeTriggered = Readiness(rawValue: EPOLLET.rawValue)
}

/// One epoll(7) instance, owned by one thread; level-triggered where nothing else is asked for.
///
/// `wait` fills a batch that the loop walks by position, so a handler may change registrations.
@safe public struct Poller: ~Copyable {
    private let epoll: FileDescriptor
    private var batch: [epoll_event]

    /// - Parameter batchCapacity: Most events one wait can report; allocated here, once.
    /// - Throws: What epoll_create1(2) reports.
    public init(batchCapacity: Int) throws(Errno) {
        epoll = FileDescriptor(owning: try Errno.check { epoll_create1(CInt(EPOLL_CLOEXEC)) })
        unsafe batch = Array(repeating: epoll_event(), count: batchCapacity)
    }

    /// Watches `descriptor` for `interest` and names its events `token`.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    public func add(
        _ descriptor: borrowing FileDescriptor, for interest: Readiness, as token: Token
    ) throws(Errno) {
        try control(EPOLL_CTL_ADD, descriptor.rawValue, interest, token)
    }

    /// Changes what a watched descriptor is watched for.
    ///
    /// - Throws: What epoll_ctl(2) reports.
    public func modify(
        _ descriptor: borrowing FileDescriptor, for interest: Readiness, as token: Token
    ) throws(Errno) {
        try control(EPOLL_CTL_MOD, descriptor.rawValue, interest, token)
    }

    /// Stops watching a descriptor that stays open; closing one does the same.
    public func remove(_ descriptor: borrowing FileDescriptor) {
        var event = unsafe epoll_event()
        unsafe _ = epoll_ctl(epoll.rawValue, EPOLL_CTL_DEL, descriptor.rawValue, &event)
    }

    /// Sleeps until a descriptor is ready or time is up.
    ///
    /// - Parameter timeoutMilliseconds: Longest sleep; `nil` sleeps until something is ready.
    /// - Returns: How many events the batch holds; zero when time was up.
    /// - Throws: What epoll_wait(2) reports, except `EINTR`.
    public mutating func wait(timeoutMilliseconds: CInt?) throws(Errno) -> Int {
        let epoll = epoll.rawValue
        let count = try Errno.check {
            unsafe epoll_wait(epoll, &batch, CInt(batch.count), timeoutMilliseconds ?? -1)
        }
        return Int(count)
    }

    /// The event at `position` of the batch that the latest `wait` filled.
    public subscript(position: Int) -> (token: Token, readiness: Readiness) {
        let event = unsafe batch[position]
        let word = unsafe event.data.u64
        let token = Token(slot: UInt32(truncatingIfNeeded: word), generation: UInt32(word >> 32))
        return (token, Readiness(rawValue: unsafe event.events))
    }

    private func control(
        _ operation: CInt, _ descriptor: CInt, _ interest: Readiness, _ token: Token
    ) throws(Errno) {
        var event = unsafe epoll_event()
        unsafe event.events = interest.rawValue
        unsafe event.data.u64 = token.word
        let epoll = epoll.rawValue
        try Errno.check { unsafe epoll_ctl(epoll, operation, descriptor, &event) }
    }
}
