import Bytes
import CNGHTTP2
public import HTTP

extension Session {
    /// Begins a stream with a request.
    ///
    /// Fields that HTTP/2 forbids are left out, and names go out in lower case (RFC 9113 §8.2).
    /// Beyond the peer's limit of streams the request waits inside the session.
    ///
    /// - Parameters:
    ///   - head: What to ask for.
    ///   - scheme: `https` when the client came over TLS.
    ///   - endsStream: Whether neither a body nor trailers follow.
    /// - Returns: The new stream.
    /// - Throws: ``SubmitError``.
    public mutating func submitRequest(
        _ head: borrowing RequestHead, scheme: Scheme = .http, endsStream: Bool
    ) throws(SubmitError) -> StreamHandle {
        let target = (path: head.pathRange, authority: head.authorityRange)
        return try submitRequest(head, target: target, scheme: scheme, endsStream: endsStream)
    }

    /// Begins a stream with a request for another path and authority than those of its head.
    ///
    /// - Parameters:
    ///   - head: What to ask for.
    ///   - target: The path and the authority, in the arena of `head`.
    ///   - scheme: `https` when the client came over TLS.
    ///   - name: Of the protocol to open a tunnel for (`:protocol`), in the arena of `head`, with a
    ///     peer that takes such requests; `nil` sends the request as it is.
    ///   - endsStream: Whether neither a body nor trailers follow.
    /// - Returns: The new stream.
    /// - Throws: ``SubmitError``.
    public mutating func submitRequest(
        _ head: borrowing RequestHead, target: (path: ByteRange, authority: ByteRange),
        scheme: Scheme = .http, tunnelling name: ByteRange? = nil, endsStream: Bool
    ) throws(SubmitError) -> StreamHandle {
        guard acceptsRequests else { throw .sessionClosing }
        let slot = recorder.insert(life: .open)
        let word = unsafe UnsafeMutableRawPointer(bitPattern: UInt(slot) + 1)
        let streamID = unsafe recorder.fieldList.request(
            head, target: target, scheme: scheme, tunnelling: name
        ) { list, count in
            if endsStream {
                return unsafe nghttp2_submit_request(handle, nil, list, count, nil, word)
            }
            var provider = unsafe Callbacks.dataProvider(slot: slot)
            return unsafe nghttp2_submit_request(handle, nil, list, count, &provider, word)
        }
        guard streamID > 0 else {
            recorder.remove(slot: slot)
            throw submitError(streamID)
        }
        recorder.records[Int(slot)].streamID = streamID
        recorder.records[Int(slot)].sending = endsStream ? .finished : .open
        return StreamHandle(streamID: UInt32(streamID), slot: slot)
    }

    /// Answers a request with a final head; see ``submitRequest(_:scheme:endsStream:)`` for fields.
    public mutating func submitResponse(
        _ head: borrowing ResponseHead, on stream: StreamHandle, endsStream: Bool
    ) throws(SubmitError) {
        let record = try sendingRecord(stream)
        let streamID = record.streamID
        let code = unsafe recorder.fieldList.response(head) { list, count in
            if endsStream {
                return unsafe nghttp2_submit_response(handle, streamID, list, count, nil)
            }
            var provider = unsafe Callbacks.dataProvider(slot: stream.slot)
            return unsafe nghttp2_submit_response(handle, streamID, list, count, &provider)
        }
        if code != 0 { throw submitError(code) }
        if endsStream { record.sending = .finished }
    }

    /// Sends an informational head (1xx) ahead of the final one.
    public mutating func submitInformational(
        _ head: borrowing ResponseHead, on stream: StreamHandle
    ) throws(SubmitError) {
        let streamID = try sendingRecord(stream).streamID
        let code = unsafe recorder.fieldList.response(head) { list, count in
            unsafe nghttp2_submit_headers(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID, nil, list, count, nil)
        }
        if code != 0 { throw submitError(code) }
    }

    /// Queues a piece of body; the head must have been submitted without `endsStream`.
    ///
    /// - Throws: ``SubmitError/queueFull`` when it does not fit whole; nothing is queued then, and
    ///   ``SessionEvent/drained(_:)`` follows once half of the queue has left.
    public mutating func send(
        _ bytes: Span<UInt8>, on stream: StreamHandle
    ) throws(SubmitError) {
        let record = try sendingRecord(stream)
        guard record.queue.count + bytes.count <= limits.streamQueueByteCount,
            recorder.queuedByteCount + bytes.count <= limits.sessionQueueByteCount
        else {
            record.awaited = .room
            throw .queueFull
        }
        record.queue.append(bytes)
        recorder.queuedByteCount += bytes.count
        resume(record)
    }

    /// Asks for ``SessionEvent/drained(_:)`` once nothing waits to be sent on `stream`.
    public mutating func awaitEmptyQueue(of stream: StreamHandle) {
        recorder.record(stream)?.awaited = .emptyQueue
    }

    /// How many bytes wait to be sent on `stream`.
    public func queuedByteCount(on stream: StreamHandle) -> Int {
        recorder.record(stream)?.queue.count ?? 0
    }

    /// How many more bytes of body the peer's windows would let out now.
    public func sendableByteCount(on stream: StreamHandle) -> Int {
        guard let record = recorder.record(stream) else { return 0 }
        let window = unsafe nghttp2_session_get_stream_remote_window_size(handle, record.streamID)
        let shared = unsafe nghttp2_session_get_remote_window_size(handle)
        return max(0, min(Int(window) - record.queue.count, Int(shared) - recorder.queuedByteCount))
    }

    /// Ends our side of the stream behind what is queued.
    public mutating func end(_ stream: StreamHandle) throws(SubmitError) {
        let record = try sendingRecord(stream)
        record.sending = .ended
        resume(record)
    }

    /// Ends our side of the stream with a trailer section behind what is queued.
    public mutating func end(
        _ stream: StreamHandle, trailers: borrowing Fields
    ) throws(SubmitError) {
        let record = try sendingRecord(stream)
        record.trailers.removeAll()
        for index in trailers.indices where trailers[index].isEndToEnd {
            record.trailers.append(name: trailers.name(at: index), value: trailers.value(at: index))
        }
        record.sending = record.trailers.count == 0 ? .ended : .endedWithTrailers
        resume(record)
    }

    /// Ends the stream at once in both directions; its ``SessionEvent/closed(_:_:)`` follows.
    public mutating func reset(_ stream: StreamHandle, _ code: ErrorCode) {
        guard let record = recorder.record(stream) else { return }
        _ = unsafe nghttp2_submit_rst_stream(
            handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), record.streamID, code.rawValue)
        record.sending = .reset
        record.closer = .us
        recorder.queuedByteCount -= record.queue.count
        record.queue.release()
    }

    /// Asks the peer for a sign of life: ``SessionEvent/pingAcknowledged(payload:)``.
    public mutating func ping(payload: UInt64) {
        var opaque = payload
        unsafe withUnsafeBytes(of: &opaque) { bytes in
            _ = unsafe nghttp2_submit_ping(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue),
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// Takes no new streams from now on, without losing one that is on its way (RFC 9113 §6.8).
    ///
    /// A server says so with GOAWAY(2³¹−1) and a PING, and names the last stream when the PING
    /// comes back. ``isFinished`` tells when the streams are done.
    public mutating func beginShutdown() {
        guard recorder.isServer else { return finishShutdown() }
        if recorder.shutdownPayload != nil { return }
        let payload: UInt64 = 0x7368_7574_646F_776E
        recorder.shutdownPayload = payload
        _ = unsafe nghttp2_submit_shutdown_notice(handle)
        ping(payload: payload)
    }

    /// Names the last stream that is served, without waiting for the peer any longer.
    public mutating func finishShutdown() {
        recorder.isShutdownAcknowledged = false
        let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
        _ = unsafe nghttp2_submit_goaway(
            handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, ErrorCode.noError.rawValue, nil, 0)
    }

    /// Ends the connection with GOAWAY; nothing that arrives later is looked at.
    public mutating func terminate(_ code: ErrorCode) {
        _ = unsafe nghttp2_session_terminate_session(handle, code.rawValue)
    }

    /// Records the end of every stream, because the connection is gone; drain it before letting go.
    public mutating func abandon(_ code: ErrorCode) {
        for (slot, record) in recorder.records.enumerated() {
            record.closer = .us
            recorder.closedStream(
                slot: UInt32(slot), streamID: record.streamID, code: code.rawValue)
        }
    }

    private func sendingRecord(_ stream: StreamHandle) throws(SubmitError) -> StreamRecord {
        guard let record = recorder.record(stream), record.sending == .open else {
            throw .streamClosed
        }
        return record
    }

    private func resume(_ record: StreamRecord) {
        guard record.isDeferred else { return }
        record.isDeferred = false
        _ = unsafe nghttp2_session_resume_data(handle, record.streamID)
    }

    private func submitError(_ code: Int32) -> SubmitError {
        switch code {
        case NGHTTP2_ERR_NOMEM.rawValue: .outOfMemory
        case NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE.rawValue: .sessionClosing
        default: .library(code: code)
        }
    }
}
