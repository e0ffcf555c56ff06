import COpenSSL

/// What the sessions of one thread read from and write to; a session that rests holds neither.
@safe public final class Wire {
    private let state: UnsafeMutablePointer<pointsman_wire>
    /// Every session holds a reference to it.
    let channel: OpaquePointer
    /// Whose certificate was refused in the call that is under way.
    var refusedPeer: PeerIdentity?

    /// - Throws: ``TLSError/outOfMemory``
    public init() throws(TLSError) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: pointsman_wire())
        guard let made = unsafe pointsman_wire_bio(state) else {
            unsafe state.deallocate()
            throw .outOfMemory
        }
        unsafe channel = made
    }

    deinit {
        unsafe BIO_free(channel)
        unsafe free(state.pointee.output)
        unsafe state.deallocate()
    }

    /// What the latest call of a session wants to have sent; to be taken before the next call of
    /// any session of the thread.
    public var output: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let filled = unsafe UnsafeBufferPointer(
                start: state.pointee.output, count: state.pointee.output_count)
            return unsafe _overrideLifetime(filled.span, borrowing: self)
        }
    }

    public var hasOutput: Bool { unsafe state.pointee.output_count > 0 }

    /// Forgets the output, which was sent or queued.
    public func discardOutput() {
        unsafe state.pointee.output_count = 0
    }

    /// Lets sessions read `input` while `body` runs.
    ///
    /// - Returns: How much of it was read.
    func lending(_ input: Span<UInt8>, to body: () -> Void) -> Int {
        unsafe input.withUnsafeBufferPointer { bytes in
            unsafe state.pointee.input = bytes.baseAddress
            unsafe state.pointee.input_count = bytes.count
            unsafe state.pointee.input_position = 0
            body()
            let read = unsafe state.pointee.input_position
            unsafe state.pointee.input = nil
            unsafe state.pointee.input_count = 0
            unsafe state.pointee.input_position = 0
            return read
        }
    }
}
