import Bytes
import CNGHTTP2
import HTTP

/// What C calls back into: it only records, and ``Session`` drains the record afterwards.
///
/// nghttp2 holds no pointer to a stream's record but its slot number, which is checked against
/// the stream's number each time.
@safe final class Recorder {
    /// Most blocks that are kept to be used again.
    private static let spareBlockCount = 64

    let limits: SessionLimits
    let isServer: Bool
    private var events: [SessionEvent] = []
    /// The heads of those of `events` that bring one, in their order.
    private var blocks: [HeadBlock] = []
    /// How many of `events` and of `blocks` have been drained.
    private var drainedCount = (events: 0, blocks: 0)
    /// The event that was drained last; its head can be taken, its stream is not forgotten yet.
    private(set) var current: SessionEvent?
    private(set) var currentBlock: HeadBlock?
    /// The field section that is arriving; there is one at a time, since no other frame comes in
    /// between (RFC 9113 §4.3).
    private var section = FieldSection()
    /// The stream of `section`; 0 when none is arriving.
    private var sectionStreamID: Int32 = 0
    private(set) var records: [StreamRecord] = []
    var fieldList = FieldList()
    private var vacantSlots: [UInt32] = []
    private var spareBlocks: [HeadBlock] = []
    private(set) var openStreamCount = 0
    /// The stream whose first head has begun and is not complete.
    private(set) var arrivingHead: UInt32?
    /// Bytes of heads in `blocks`.
    private(set) var recordedByteCount = 0
    var hasDataPending = false
    var queuedByteCount = 0
    var glitches: GlitchBudget
    /// Since they were taken.
    private(set) var glitchCounts = GlitchCounts()
    /// What was more than the peer may cost.
    var lastStraw: Glitch?
    var failure: SessionError?
    private var oversizedHeadCount = 0
    /// Of the head that is arriving.
    var continuationCount = 0
    private var skipped = SkippedStreams()
    /// WINDOW_UPDATE frames that the peer still has good reason to send.
    private var windowUpdateCredit = 100
    /// Where the bytes that nghttp2 works on start, and how many come before them in the input.
    private var sliceBase: UInt = 0
    private var sliceOffset = 0
    var shutdownPayload: UInt64?
    var isShutdownAcknowledged = false

    init(limits: SessionLimits, isServer: Bool) {
        self.limits = limits
        self.isServer = isServer
        glitches = GlitchBudget(burst: limits.glitchBurst, perSecond: limits.glitchesPerSecond)
    }

    var pendingCount: Int { events.count - drainedCount.events }

    func beginSlice(address: UInt, offset: Int) {
        sliceBase = address
        sliceOffset = offset
    }

    func record(_ stream: StreamHandle) -> StreamRecord? {
        guard let record = record(slot: stream.slot, streamID: Int32(clamping: stream.streamID)),
            record.life == .open
        else { return nil }
        return record
    }

    func record(slot: UInt32, streamID: Int32) -> StreamRecord? {
        guard Int(slot) < records.count else { return nil }
        let record = records[Int(slot)]
        return record.streamID == streamID && record.life != .vacant ? record : nil
    }

    /// Takes a slot for a stream whose number may not be known yet.
    func insert(life: StreamRecord.Life) -> UInt32 {
        let slot: UInt32
        if let vacant = vacantSlots.popLast() {
            slot = vacant
        } else {
            slot = UInt32(records.count)
            records.append(StreamRecord())
        }
        records[Int(slot)].life = life
        openStreamCount += 1
        windowUpdateCredit = min(windowUpdateCredit + 5, 1_000_000)
        return slot
    }

    func remove(slot: UInt32) {
        let record = records[Int(slot)]
        if record.life == .opening { arrivingHead = nil }
        queuedByteCount -= record.queue.count
        record.reset()
        vacantSlots.append(slot)
        openStreamCount -= 1
    }

    func append(_ event: SessionEvent) {
        events.append(event)
    }

    /// Records an event that brings a head.
    private func append(_ event: SessionEvent, _ block: HeadBlock) {
        events.append(event)
        blocks.append(block)
        recordedByteCount += block.byteCount
    }

    func next() -> SessionEvent? {
        if let block = currentBlock.take() { recycle(block) }
        guard drainedCount.events < events.count else {
            current = nil
            events.removeAll(keepingCapacity: true)
            blocks.removeAll(keepingCapacity: true)
            drainedCount = (0, 0)
            recordedByteCount = 0
            hasDataPending = false
            return nil
        }
        let event = events[drainedCount.events]
        drainedCount.events += 1
        switch event {
        case .request, .response, .trailers:
            currentBlock = blocks[drainedCount.blocks]
            drainedCount.blocks += 1
        case .data, .end, .endSent, .closed, .drained, .settings, .pingAcknowledged, .goAway:
            break
        }
        current = event
        return event
    }

    private func recycle(_ block: HeadBlock) {
        // A flood of heads must not leave its memory behind.
        guard spareBlocks.count < Self.spareBlockCount else { return }
        block.reset()
        spareBlocks.append(block)
    }

    func note(_ glitch: Glitch) {
        glitchCounts.add(glitch)
    }

    func takeGlitchCounts() -> GlitchCounts {
        let counts = glitchCounts
        glitchCounts = GlitchCounts()
        return counts
    }

    /// A peer has begun a stream.
    func opened(_ streamID: Int32, slot: UInt32) {
        records[Int(slot)].streamID = streamID
        skipped.opened(streamID)
    }

    /// Whether the peer has passed over that number, which it may not use any more then.
    func hasSkipped(_ streamID: Int32) -> Bool {
        isServer && skipped.contains(streamID)
    }

    func beganHead(slot: UInt32, streamID: Int32) {
        // One that was never finished makes room.
        sectionStreamID = 0
        section.reset()
        guard let record = record(slot: slot, streamID: streamID) else { return }
        sectionStreamID = streamID
        if record.life == .opening { arrivingHead = UInt32(streamID) }
    }

    enum FieldVerdict { case taken, refused }

    func field(name: Span<UInt8>, value: Span<UInt8>, streamID: Int32) -> FieldVerdict {
        guard streamID == sectionStreamID else { return .taken }
        if section.append(name: name, value: value, limits: limits) { return .taken }
        oversizedHeadCount += 1
        note(.oversizedHead)
        if oversizedHeadCount >= limits.oversizedHeadCount {
            failure = .headsTooLarge
            lastStraw = .oversizedHead
        }
        sectionStreamID = 0
        return .refused
    }

    /// - Returns: Whether the head is one that may be passed on.
    func finishedHead(slot: UInt32, streamID: Int32, endsStream: Bool) -> Bool {
        guard streamID == sectionStreamID, let record = record(slot: slot, streamID: streamID)
        else { return true }
        sectionStreamID = 0
        let stream = StreamHandle(streamID: UInt32(streamID), slot: slot)
        let block = spareBlocks.popLast() ?? HeadBlock()
        block.byteCount = section.byteCount
        if record.life == .opening {
            arrivingHead = nil
            guard section.finish(&block.request, endsStream: endsStream) else {
                recycle(block)
                return false
            }
            record.life = .open
            append(.request(stream), block)
        } else if !isServer, section.hasStatus {
            section.finish(&block.response, endsStream: endsStream)
            // HTTP/2 has no other way to switch protocols than CONNECT (RFC 9113 §8.6).
            if block.response.switchesProtocols {
                recycle(block)
                return false
            }
            if block.response.isInformational { count(.informational) }
            append(.response(stream), block)
        } else if record.life == .open {
            section.finish(&block.trailers)
            append(.trailers(stream), block)
        }
        if endsStream { append(.end(stream)) }
        return true
    }

    /// - Returns: Whether somebody will consume the bytes, and so open the stream's window again.
    func data(address: UInt, count: Int, slot: UInt32, streamID: Int32) -> Bool {
        guard let record = record(slot: slot, streamID: streamID), record.life == .open,
            address >= sliceBase
        else { return false }
        record.unconsumedByteCount += count
        let start = sliceOffset + Int(clamping: address - sliceBase)
        append(
            .data(StreamHandle(streamID: UInt32(streamID), slot: slot), start..<start + count))
        hasDataPending = true
        return true
    }

    func finishedData(payloadCount: Int, endsStream: Bool, slot: UInt32, streamID: Int32) {
        if payloadCount == 0, !endsStream { count(.emptyData) }
        guard endsStream, let record = record(slot: slot, streamID: streamID),
            record.life == .open
        else { return }
        append(.end(StreamHandle(streamID: UInt32(streamID), slot: slot)))
    }

    func sentEnd(slot: UInt32, streamID: Int32) {
        guard let record = record(slot: slot, streamID: streamID), record.life == .open else {
            return
        }
        append(.endSent(StreamHandle(streamID: UInt32(streamID), slot: slot)))
    }

    func closedStream(slot: UInt32, streamID: Int32, code: UInt32) {
        guard let record = record(slot: slot, streamID: streamID) else { return }
        switch record.life {
        case .opening:
            remove(slot: slot)
        case .open:
            record.life = .closed
            queuedByteCount -= record.queue.count
            record.queue.removeAll()
            append(
                .closed(
                    StreamHandle(streamID: UInt32(streamID), slot: slot),
                    ErrorCode(rawValue: code)))
        case .closed, .vacant:
            break
        }
    }

    func pingAcknowledged(payload: UInt64) {
        if payload == shutdownPayload {
            isShutdownAcknowledged = true
        } else {
            append(.pingAcknowledged(payload: payload))
        }
    }

    func windowUpdated() {
        if windowUpdateCredit > 0 { windowUpdateCredit -= 1 } else { count(.windowUpdate) }
    }

    func sentData() {
        windowUpdateCredit = min(windowUpdateCredit + 10, 1_000_000)
    }
}
