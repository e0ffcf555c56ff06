/// How a run went, in pieces of equal length; at most ``BenchLimits/timelineCount`` of them.
public struct Timeline: Sendable {
    struct Piece: Sendable {
        var latency = CoarseHistogram()
        var longest: UInt64 = 0
        var failed: UInt64 = 0

        mutating func add(_ other: Piece) {
            latency.add(other.latency)
            longest = max(longest, other.longest)
            failed += other.failed
        }
    }

    /// How long a piece is, in nanoseconds.
    private(set) var width: UInt64
    private(set) var pieces: [Piece] = []

    static let narrowest: UInt64 = 100_000_000

    /// - Parameter expected: How long the run will take, in nanoseconds; zero where that is not
    ///   known. A run that takes longer gets wider pieces.
    init(expecting expected: UInt64 = 0) {
        var width = Self.narrowest
        while expected / width >= UInt64(BenchLimits.timelineCount) { width *= 2 }
        self.width = width
        pieces.reserveCapacity(BenchLimits.timelineCount)
    }

    /// Takes in a request that ended `time` nanoseconds after counting began.
    mutating func record(_ latency: UInt64, failed: Bool, at time: UInt64) {
        let index = piece(at: time)
        pieces[index].latency.record(latency)
        pieces[index].longest = max(pieces[index].longest, latency)
        if failed { pieces[index].failed += 1 }
    }

    /// Takes in a request that failed without a latency.
    mutating func recordFailure(at time: UInt64) {
        pieces[piece(at: time)].failed += 1
    }

    mutating func add(_ other: Timeline) {
        var other = other
        while width < other.width { fold() }
        while other.width < width { other.fold() }
        while pieces.count < other.pieces.count { pieces.append(Piece()) }
        for index in other.pieces.indices { pieces[index].add(other.pieces[index]) }
    }

    private mutating func piece(at time: UInt64) -> Int {
        while time / width >= UInt64(BenchLimits.timelineCount) { fold() }
        let index = Int(time / width)
        while pieces.count <= index { pieces.append(Piece()) }
        return index
    }

    /// Makes one piece of every two.
    private mutating func fold() {
        for index in stride(from: 0, to: pieces.count, by: 2) {
            pieces[index / 2] = pieces[index]
            if index + 1 < pieces.count { pieces[index / 2].add(pieces[index + 1]) }
        }
        pieces.removeLast(pieces.count / 2)
        width *= 2
    }
}
