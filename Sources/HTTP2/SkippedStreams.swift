/// The numbers that a client has passed over, which closed them (RFC 9113 §5.1.1).
///
/// Hardly any client does it, so only the latest runs are remembered.
struct SkippedStreams {
    private static let mostRuns = 4

    private var last: Int32 = -1
    private var runs = InlineArray<4, Range<Int32>>(repeating: 0..<0)
    private var next = 0

    mutating func opened(_ streamID: Int32) {
        if streamID <= last { return }
        if streamID - 2 > last {
            runs[next] = last + 1..<streamID
            next = (next + 1) % Self.mostRuns
        }
        last = streamID
    }

    func contains(_ streamID: Int32) -> Bool {
        if streamID > last { return false }
        for index in runs.indices where runs[index].contains(streamID) { return true }
        return false
    }
}
