public import Bytes
import CNGHTTP2
public import HTTP

/// One HTTP/2 connection over libnghttp2: bytes in, events out; it knows no socket and no clock.
///
/// After each ``receive(_:nowNanoseconds:)`` and each ``flush(into:byteCountLimit:)`` drain
/// ``nextEvent()`` until it gives `nil`; then flush again, until nothing more comes of it.
@safe public struct Session: ~Copyable {
    public enum Role: Sendable { case client, server }

    /// Who ended a stream.
    public enum Closer: Sendable {
        /// Both sides, when they had sent everything.
        case both
        /// This side: ``reset(_:_:)`` or ``abandon(_:)``.
        case us
        /// This side, since what the peer sent breaks the rules of HTTP.
        case broken
        /// The peer, by resetting it.
        case peer
        /// The peer, by a GOAWAY that says that it has not looked at it.
        case shutdown
    }

    public let limits: SessionLimits
    let handle: OpaquePointer
    /// nghttp2's `user_data`; unowned there, so it must outlive `handle`.
    let recorder: Recorder
    /// Unowned by nghttp2 as well.
    private let memory: SessionMemory
    private var failure: SessionError?

    /// Bytes that nghttp2 is given at once; heads that they can unfold to are bounded in between.
    private static var sliceByteCount: Int { 8 * 1024 }

    /// Makes a session and queues its preface and SETTINGS.
    ///
    /// Without memory for it the process ends, as with every allocation of Swift itself.
    ///
    /// - Parameters:
    ///   - role: Which end of the connection we are.
    ///   - limits: Announced to the peer where HTTP/2 has words for them, and enforced.
    ///   - memory: Shared by sessions of the same thread.
    public init(
        role: Role, limits: SessionLimits = SessionLimits(), memory: SessionMemory = SessionMemory()
    ) {
        let recorder = Recorder(limits: limits, isServer: role == .server)
        guard
            let handle = unsafe makeHandle(
                role: role, limits: limits, recorder: recorder, memory: memory)
        else { preconditionFailure("no memory for an HTTP/2 session") }
        self.limits = limits
        self.recorder = recorder
        self.memory = memory
        unsafe self.handle = handle
    }

    deinit {
        unsafe nghttp2_session_del(handle)
    }

    /// Streams that have begun and whose ``SessionEvent/closed(_:_:)`` is not drained yet.
    public var openStreamCount: Int { recorder.openStreamCount }

    /// Whether the connection can be closed: nothing is left to read or to write.
    public var isFinished: Bool {
        unsafe nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
    }

    /// Whether ``flush(into:byteCountLimit:)`` has something to give, as far as windows allow.
    public var wantsOutput: Bool { unsafe nghttp2_session_want_write(handle) != 0 }

    /// Whether input should wait until more output has left.
    public var isInputBlocked: Bool {
        unsafe nghttp2_session_get_outbound_queue_size(handle) > limits.outboundFrameCount
    }

    /// The stream whose head has begun to arrive and is not complete; `nil` when there is none.
    ///
    /// Nothing else can arrive before it is complete (RFC 9113 §6.10), so it needs a bound in time.
    public var arrivingHead: UInt32? { recorder.arrivingHead }

    /// What was more than the peer may cost; `nil` as long as it has kept to the limits.
    public var lastStraw: Glitch? { recorder.lastStraw }

    /// Whether there is anything in ``takeGlitchCounts()``.
    public var hasGlitches: Bool { !recorder.glitchCounts.isEmpty }

    /// What was counted against the peer since the last call.
    public mutating func takeGlitchCounts() -> GlitchCounts {
        recorder.takeGlitchCounts()
    }

    /// Whether the peer will answer new streams.
    public var acceptsRequests: Bool {
        unsafe failure == nil && nghttp2_session_check_request_allowed(handle) != 0
    }

    /// How many streams the peer lets us have open at once; 100 until its settings arrive.
    public var peerConcurrentStreamCount: UInt32 {
        unsafe nghttp2_session_get_remote_settings(
            handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
    }

    /// Whether the peer has said that it takes requests for tunnels of other protocols.
    public var peerTakesConnect: Bool {
        unsafe nghttp2_session_get_remote_settings(
            handle, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
    }

    /// Takes bytes from the peer and records what they mean.
    ///
    /// - Parameters:
    ///   - input: What follows the bytes that were consumed before. It must stay where it is until
    ///     the events are drained, which hold positions in it.
    ///   - nowNanoseconds: Monotonic time.
    /// - Returns: How many bytes were taken: fewer than all at ``SessionLimits/turnByteCount``,
    ///   when many events are recorded, or when ``isInputBlocked``.
    /// - Throws: ``SessionError``: drain, flush, close.
    public mutating func receive(
        _ input: Span<UInt8>, nowNanoseconds: UInt64
    ) throws(SessionError) -> Int {
        if let failure { throw failure }
        precondition(!recorder.hasDataPending, "events point into input that is being replaced")
        recorder.glitches.refill(nowNanoseconds: nowNanoseconds)
        let end = min(input.count, limits.turnByteCount)
        var taken = 0
        while taken < end, !isInputBlocked, recorder.pendingCount < 256,
            recorder.recordedByteCount < 4 * limits.headByteCount
        {
            let slice = input.extracting(taken..<min(taken + Self.sliceByteCount, end))
            let count = unsafe slice.withUnsafeBufferPointer { bytes in
                recorder.beginSlice(
                    address: UInt(bitPattern: bytes.baseAddress), offset: taken)
                return unsafe nghttp2_session_mem_recv(handle, bytes.baseAddress, bytes.count)
            }
            if let failure = recorder.failure { throw fail(failure) }
            if count < 0 { throw fail(code: count) }
            taken += count
            if count == 0 { break }
        }
        if recorder.isShutdownAcknowledged { finishShutdown() }
        return taken
    }

    /// What happened next; `nil` when all is drained.
    ///
    /// A head can be taken until the next call.
    public mutating func nextEvent() -> SessionEvent? {
        if case .closed(let stream, _) = recorder.current { forget(stream) }
        return recorder.next()
    }

    /// Swaps the head of the ``SessionEvent/request(_:)`` that was drained last into `head`.
    ///
    /// - Returns: Whether that event had one.
    @discardableResult
    public mutating func takeRequestHead(into head: inout RequestHead) -> Bool {
        guard case .request = recorder.current, let block = recorder.currentBlock else {
            return false
        }
        swap(&head, &block.request)
        return true
    }

    /// Swaps the head of the ``SessionEvent/response(_:)`` that was drained last into `head`.
    ///
    /// - Returns: Whether that event had one.
    @discardableResult
    public mutating func takeResponseHead(into head: inout ResponseHead) -> Bool {
        guard case .response = recorder.current, let block = recorder.currentBlock else {
            return false
        }
        swap(&head, &block.response)
        return true
    }

    /// Swaps the fields of the ``SessionEvent/trailers(_:)`` that was drained last into `fields`.
    ///
    /// - Returns: Whether that event had any.
    @discardableResult
    public mutating func takeTrailers(into fields: inout Fields) -> Bool {
        guard case .trailers = recorder.current, let block = recorder.currentBlock else {
            return false
        }
        swap(&fields, &block.trailers)
        return true
    }

    /// Who ended the stream of the ``SessionEvent/closed(_:_:)`` that was drained last.
    public var closer: Closer {
        guard case .closed(let stream, let code) = recorder.current,
            let record = recorder.record(
                slot: stream.slot, streamID: Int32(clamping: stream.streamID))
        else { return .us }
        if let closer = record.closer { return closer }
        switch code {
        case .noError: return .both
        case .refusedStream: return .shutdown
        default: return .broken
        }
    }

    /// Opens the stream's window again by bytes of ``SessionEvent/data(_:_:)`` that have been dealt
    /// with; the connection's is opened as they arrive.
    public mutating func consume(_ byteCount: Int, on stream: StreamHandle) {
        let streamID = Int32(clamping: stream.streamID)
        guard let record = recorder.record(slot: stream.slot, streamID: streamID) else { return }
        let count = min(max(byteCount, 0), record.unconsumedByteCount)
        record.unconsumedByteCount -= count
        _ = unsafe nghttp2_session_consume_stream(handle, streamID, count)
    }

    /// Appends frames that are due to `output`.
    ///
    /// - Parameters:
    ///   - output: Where the frames go.
    ///   - byteCountLimit: Stops once `output` holds so many; at most a frame beyond it.
    /// - Throws: ``SessionError``; what `output` holds may still be sent.
    public mutating func flush(
        into output: inout Buffer, byteCountLimit: Int
    ) throws(SessionError) {
        while output.count < byteCountLimit {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(handle, &bytes)
            if count < 0 { throw fail(code: count) }
            if count == 0 { break }
            let frame = unsafe UnsafeBufferPointer(start: bytes, count: count)
            unsafe output.append(frame.span)
        }
    }

    private mutating func fail(code: Int) -> SessionError {
        let error: SessionError =
            switch Int32(clamping: code) {
            case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: .prefaceMissing
            case NGHTTP2_ERR_FLOODED.rawValue: flooded(by: .ping)
            case NGHTTP2_ERR_TOO_MANY_SETTINGS.rawValue: flooded(by: .settings)
            case NGHTTP2_ERR_NOMEM.rawValue: .outOfMemory
            default: .library(code: Int32(clamping: code))
            }
        return fail(error)
    }

    private func flooded(by glitch: Glitch) -> SessionError {
        recorder.note(glitch)
        recorder.lastStraw = glitch
        return .flooded
    }

    private mutating func fail(_ error: SessionError) -> SessionError {
        if failure == nil {
            failure = error
            let code: ErrorCode = error == .prefaceMissing ? .protocolError : .enhanceYourCalm
            terminate(code)
        }
        return error
    }

    /// Lets a stream go whose last event is drained.
    private func forget(_ stream: StreamHandle) {
        let streamID = Int32(clamping: stream.streamID)
        guard recorder.record(slot: stream.slot, streamID: streamID) != nil else { return }
        recorder.remove(slot: stream.slot)
    }
}

/// Most bytes of a head that is sent; how long it really gets is bounded where it came from.
private let longestHeadByteCount = 16 * 1024 * 1024

private func makeHandle(
    role: Session.Role, limits: SessionLimits, recorder: Recorder, memory: SessionMemory
) -> OpaquePointer? {
    var callbacks: OpaquePointer?
    var option: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
    defer { unsafe nghttp2_session_callbacks_del(callbacks) }
    guard unsafe nghttp2_option_new(&option) == 0 else { return nil }
    defer { unsafe nghttp2_option_del(option) }
    unsafe Callbacks.install(into: callbacks)
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    unsafe nghttp2_option_set_peer_max_concurrent_streams(option, 100)
    unsafe nghttp2_option_set_max_reserved_remote_streams(option, 0)
    unsafe nghttp2_option_set_stream_reset_rate_limit(
        option, limits.resetBurst, limits.resetsPerSecond)
    unsafe nghttp2_option_set_max_settings(option, limits.settingsEntryCount)
    // It counts reads and not frames, so that how a head was segmented would decide; frames are
    // counted here instead (``Recorder/beganContinuation()``).
    unsafe nghttp2_option_set_max_continuations(option, Int.max)
    unsafe nghttp2_option_set_max_send_header_block_length(option, longestHeadByteCount)
    unsafe nghttp2_option_set_max_outbound_ack(option, limits.outboundAcknowledgementCount)
    let firstUnknownType = UInt8(NGHTTP2_CONTINUATION.rawValue) + 1
    for type in firstUnknownType...UInt8.max {
        unsafe nghttp2_option_set_user_recv_extension_type(option, type)
    }
    let user = unsafe Unmanaged.passUnretained(recorder).toOpaque()
    var handle: OpaquePointer?
    var library = unsafe memory.library
    let code =
        switch role {
        case .client:
            unsafe nghttp2_session_client_new3(&handle, callbacks, user, option, &library)
        case .server:
            unsafe nghttp2_session_server_new3(&handle, callbacks, user, option, &library)
        }
    guard code == 0, let handle = unsafe handle else { return nil }
    if unsafe queueSettings(handle, role: role, limits: limits) { return unsafe handle }
    unsafe nghttp2_session_del(handle)
    return nil
}

private func queueSettings(
    _ handle: OpaquePointer, role: Session.Role, limits: SessionLimits
) -> Bool {
    let streams = role == .server ? limits.concurrentStreamCount : 0
    var entries = [
        nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: streams),
        nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
            value: limits.streamWindowByteCount),
        nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
            value: UInt32(clamping: limits.headByteCount)),
    ]
    if role == .server, limits.takesConnect {
        entries.append(
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL.rawValue), value: 1))
    }
    if role == .client {
        entries.append(
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
    }
    let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    let window = Int32(clamping: limits.connectionWindowByteCount)
    return unsafe nghttp2_submit_settings(handle, flags, entries, entries.count) == 0
        && nghttp2_session_set_local_window_size(handle, flags, 0, window) == 0
}
