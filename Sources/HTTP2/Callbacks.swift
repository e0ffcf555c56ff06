import CNGHTTP2

/// The walls between nghttp2 and ``Recorder``: they unpack C and return C's codes.
///
/// `user` is the session's recorder, which outlives the session. A stream's user data and a data
/// source hold a slot number plus one, and are no addresses.
enum Callbacks {
    static func install(into callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) {
            session, header, user in
            if let header = unsafe header {
                return unsafe beganFrame(header.pointee, in: session, recorder(user))
            }
            return 0
        }
        // Extensions are let pass unread; being told of them at all is what counts them.
        unsafe nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in
            NGHTTP2_ERR_CANCEL.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beganHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, receivedField)
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(
            callbacks, receivedInvalidField)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, receivedData)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, receivedFrame)
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
            _, _, _, user in
            unsafe recorder(user)?.count(.invalidFrame)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sentFrame)
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, couldNotSend)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            session, streamID, code, user in
            if let slot = unsafe slot(of: streamID, in: session) {
                unsafe recorder(user)?.closedStream(slot: slot, streamID: streamID, code: code)
            }
            return 0
        }
    }

    /// Where a stream's DATA comes from.
    static func dataProvider(slot: UInt32) -> nghttp2_data_provider {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.source.ptr = UnsafeMutableRawPointer(bitPattern: UInt(slot) + 1)
        unsafe provider.read_callback = readData
        return unsafe provider
    }
}

/// The code for a failure that must end the session; no peer can cause it.
private let failed = CInt(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

private func recorder(_ user: UnsafeMutableRawPointer?) -> Recorder? {
    guard let user = unsafe user else { return nil }
    return unsafe Unmanaged<Recorder>.fromOpaque(user).takeUnretainedValue()
}

private func slot(of streamID: Int32, in session: OpaquePointer?) -> UInt32? {
    unsafe slot(from: nghttp2_session_get_stream_user_data(session, streamID))
}

private func slot(from word: UnsafeMutableRawPointer?) -> UInt32? {
    let number = UInt(bitPattern: word)
    return number == 0 ? nil : UInt32(exactly: number - 1)
}

private func beganFrame(
    _ header: nghttp2_frame_hd, in session: OpaquePointer?, _ recorder: Recorder?
) -> CInt {
    guard let recorder else { return failed }
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
        recorder.continuationCount = 0
        if !recorder.hasSkipped(header.stream_id) { return 0 }
        // nghttp2 takes a number that was passed over for that of a stream that is closed.
        return unsafe nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR.rawValue)
    case NGHTTP2_CONTINUATION.rawValue:
        return recorder.beganContinuation() ? 0 : failed
    case NGHTTP2_CONTINUATION.rawValue...: recorder.count(.unknownFrame)
    default: break
    }
    return 0
}

private func beganHeaders(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, user: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame, let recorder = unsafe recorder(user) else { return failed }
    let streamID = unsafe frame.pointee.hd.stream_id
    if let slot = unsafe slot(of: streamID, in: session) {
        recorder.beganHead(slot: slot, streamID: streamID)
        return 0
    }
    guard recorder.isServer else { return 0 }
    let slot = recorder.insert(life: .opening)
    recorder.opened(streamID, slot: slot)
    let word = unsafe UnsafeMutableRawPointer(bitPattern: UInt(slot) + 1)
    if unsafe nghttp2_session_set_stream_user_data(session, streamID, word) != 0 {
        recorder.remove(slot: slot)
        return failed
    }
    recorder.beganHead(slot: slot, streamID: streamID)
    return 0
}

private func receivedField(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, name: UnsafePointer<UInt8>?,
    nameCount: Int, value: UnsafePointer<UInt8>?, valueCount: Int, flags: UInt8,
    user: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame, let user = unsafe user else { return failed }
    let streamID = unsafe frame.pointee.hd.stream_id
    let nameBytes = unsafe UnsafeBufferPointer(start: name, count: nameCount)
    let valueBytes = unsafe UnsafeBufferPointer(start: value, count: valueCount)
    // It comes once a field, so the recorder, which outlives the session, is not counted.
    let verdict = unsafe Unmanaged<Recorder>.fromOpaque(user)._withUnsafeGuaranteedRef {
        unsafe $0.field(name: nameBytes.span, value: valueBytes.span, streamID: streamID)
    }
    switch verdict {
    case .taken: return 0
    case .refused: return unsafe refuse(streamID, NGHTTP2_ENHANCE_YOUR_CALM, in: session)
    }
}

/// nghttp2 would drop such a field and go on; a malformed head is an error (RFC 9113 §8.2.1).
private func receivedInvalidField(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, name: UnsafePointer<UInt8>?,
    nameCount: Int, value: UnsafePointer<UInt8>?, valueCount: Int, flags: UInt8,
    user: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame else { return failed }
    return unsafe refuse(frame.pointee.hd.stream_id, NGHTTP2_PROTOCOL_ERROR, in: session)
}

/// Resets the stream; the rest of its field section is decoded but not called back.
private func refuse(
    _ streamID: Int32, _ code: nghttp2_error_code, in session: OpaquePointer?
) -> CInt {
    _ = unsafe nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID, code.rawValue)
    return CInt(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
}

private func receivedData(
    session: OpaquePointer?, flags: UInt8, streamID: Int32, bytes: UnsafePointer<UInt8>?,
    count: Int, user: UnsafeMutableRawPointer?
) -> CInt {
    guard let recorder = unsafe recorder(user) else { return failed }
    // The connection's window is opened at once: what a stream holds back must not stop the others,
    // and is bounded by its own window.
    if unsafe nghttp2_session_consume_connection(session, count) != 0 { return failed }
    if let slot = unsafe slot(of: streamID, in: session),
        recorder.data(
            address: UInt(bitPattern: bytes), count: count, slot: slot, streamID: streamID)
    {
        return 0
    }
    // Nobody hears of these bytes, so they may not stay in the windows.
    return unsafe nghttp2_session_consume_stream(session, streamID, count) == 0 ? 0 : failed
}

private func receivedFrame(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, user: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame, let recorder = unsafe recorder(user) else { return failed }
    let header = unsafe frame.pointee.hd
    let streamID = header.stream_id
    let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    let isAcknowledgement = header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
    switch UInt32(header.type) {
    case NGHTTP2_DATA.rawValue:
        guard let slot = unsafe slot(of: streamID, in: session) else { return 0 }
        recorder.finishedData(
            payloadCount: header.length - Int(clamping: unsafe frame.pointee.data.padlen),
            endsStream: endsStream, slot: slot, streamID: streamID)
    case NGHTTP2_HEADERS.rawValue:
        guard let slot = unsafe slot(of: streamID, in: session) else { return 0 }
        if !recorder.finishedHead(slot: slot, streamID: streamID, endsStream: endsStream) {
            _ = unsafe refuse(streamID, NGHTTP2_PROTOCOL_ERROR, in: session)
        }
    case NGHTTP2_SETTINGS.rawValue:
        if !isAcknowledgement {
            recorder.count(.settings)
            recorder.append(.settings)
        }
    case NGHTTP2_PING.rawValue:
        if isAcknowledgement {
            let opaque = unsafe frame.pointee.ping.opaque_data
            recorder.pingAcknowledged(payload: unsafe unsafeBitCast(opaque, to: UInt64.self))
        } else {
            recorder.count(.ping)
        }
    case NGHTTP2_GOAWAY.rawValue:
        let lastStreamID = unsafe frame.pointee.goaway.last_stream_id
        let code = unsafe frame.pointee.goaway.error_code
        recorder.count(.goAway)
        recorder.append(
            .goAway(
                lastStreamID: UInt32(clamping: lastStreamID), ErrorCode(rawValue: code)))
    case NGHTTP2_WINDOW_UPDATE.rawValue:
        recorder.windowUpdated()
    case NGHTTP2_RST_STREAM.rawValue:
        if let slot = unsafe slot(of: streamID, in: session) {
            recorder.record(slot: slot, streamID: streamID)?.closer = .peer
        }
        // Of a client's streams each one was its own wish, which bounds their number.
        if recorder.isServer { recorder.count(.resetReceived) }
    case NGHTTP2_PRIORITY.rawValue:
        recorder.count(.priority)
    default:
        break
    }
    return 0
}

private func sentFrame(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, user: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame, let recorder = unsafe recorder(user) else { return failed }
    let header = unsafe frame.pointee.hd
    switch UInt32(header.type) {
    case NGHTTP2_RST_STREAM.rawValue:
        let closer = unsafe slot(of: header.stream_id, in: session).flatMap {
            recorder.record(slot: $0, streamID: header.stream_id)?.closer
        }
        recorder.sentReset(unsafe frame.pointee.rst_stream.error_code, by: closer)
    case NGHTTP2_GOAWAY.rawValue:
        recorder.sentGoAway(unsafe frame.pointee.goaway.error_code)
    case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
        if header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
            let slot = unsafe slot(of: header.stream_id, in: session)
        {
            recorder.sentEnd(slot: slot, streamID: header.stream_id)
        }
    default:
        break
    }
    return 0
}

/// A response head that cannot be sent leaves its stream without an answer, so end the stream; one
/// whose request cannot be sent nghttp2 ends itself.
private func couldNotSend(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, code: CInt,
    user: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame, let recorder = unsafe recorder(user) else { return failed }
    let header = unsafe frame.pointee.hd
    guard UInt32(header.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
    if recorder.isServer {
        _ = unsafe refuse(header.stream_id, NGHTTP2_INTERNAL_ERROR, in: session)
    } else if code == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED.rawValue,
        let slot = unsafe slot(of: header.stream_id, in: session)
    {
        recorder.record(slot: slot, streamID: header.stream_id)?.closer = .shutdown
    }
    return 0
}

private func readData(
    session: OpaquePointer?, streamID: Int32, target: UnsafeMutablePointer<UInt8>?, capacity: Int,
    flags: UnsafeMutablePointer<UInt32>?, source: UnsafeMutablePointer<nghttp2_data_source>?,
    user: UnsafeMutableRawPointer?
) -> Int {
    guard let recorder = unsafe recorder(user), let flags = unsafe flags,
        let word = unsafe source?.pointee.ptr, let slot = unsafe slot(from: word)
    else { return Int(failed) }
    let frame = unsafe UnsafeMutableRawBufferPointer(start: target, count: capacity)
    let verdict = unsafe recorder.fill(frame, slot: slot, streamID: streamID) { record in
        unsafe recorder.fieldList.trailers(record.trailers) { pointer, count in
            unsafe nghttp2_submit_trailer(session, streamID, pointer, count) == 0
        }
    }
    switch verdict {
    case .deferred:
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    case .data(let count):
        return count
    case .last(let count):
        unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        return count
    case .lastBeforeTrailers(let count):
        unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
        return count
    case .failed:
        return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }
}
