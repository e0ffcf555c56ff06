import Bytes
import CNGHTTP2
import HTTP

extension Recorder {
    enum DataVerdict {
        case deferred
        case data(Int)
        case last(Int)
        /// Trailers follow; they were handed to nghttp2.
        case lastBeforeTrailers(Int)
        case failed
    }

    /// Moves what waits on a stream into the frame that nghttp2 writes.
    func fill(
        _ frame: UnsafeMutableRawBufferPointer, slot: UInt32, streamID: Int32,
        submitTrailers: (StreamRecord) -> Bool
    ) -> DataVerdict {
        guard let record = record(slot: slot, streamID: streamID), record.life == .open else {
            return .failed
        }
        let count = min(frame.count, record.queue.count)
        if count > 0 {
            unsafe record.queue.bytes.withUnsafeBytes { waiting in
                unsafe frame.copyMemory(from: UnsafeRawBufferPointer(rebasing: waiting[..<count]))
            }
            record.queue.consume(count)
            queuedByteCount -= count
            sentData()
        }
        noteRoom(on: record, slot: slot)
        if !record.queue.isEmpty { return .data(count) }
        switch record.sending {
        case .open:
            record.isDeferred = count == 0
            return count == 0 ? .deferred : .data(count)
        case .reset:
            return .deferred
        case .ended, .finished:
            record.sending = .finished
            return .last(count)
        case .endedWithTrailers:
            record.sending = .finished
            return submitTrailers(record) ? .lastBeforeTrailers(count) : .failed
        }
    }

    private func noteRoom(on record: StreamRecord, slot: UInt32) {
        switch record.awaited {
        case .nothing: return
        case .emptyQueue: if !record.queue.isEmpty { return }
        case .room:
            guard record.queue.count <= limits.streamQueueByteCount / 2,
                queuedByteCount <= limits.sessionQueueByteCount / 2
            else { return }
        }
        record.awaited = .nothing
        append(.drained(StreamHandle(streamID: UInt32(record.streamID), slot: slot)))
    }
}
