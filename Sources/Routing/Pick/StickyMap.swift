/// Which points in 0..<2⁶⁴ belong to which version, so that a user whose key hashes to a point
/// stays.
///
/// With two versions the map is a function of the weights alone, the same in the whole fleet. With
/// more it is made from the one before by moving as few points as the change of the weights needs,
/// and only from versions that shrink to versions that grow. Weights that are only rescaled, or put
/// in another order, move nobody.
struct StickyMap: Equatable, Sendable {
    /// Most intervals; a map that would need more is laid out anew.
    static let intervalLimit = 1024

    /// An interval that ends where the next one starts.
    struct Interval: Equatable, Sendable {
        var start: UInt64
        var version: String
    }

    private struct Piece {
        var length: UInt128
        var version: String
    }

    /// In order; the first one starts at zero.
    let intervals: [Interval]

    /// Lays the versions out one after the other in the order of their names.
    init(_ shares: Shares) {
        intervals = Self.intervals(
            Self.lengths(shares).map { Piece(length: $0.length, version: $0.version) })
    }

    /// The map for new weights that moves the fewest points.
    func rebalanced(for shares: Shares) -> StickyMap {
        if shares.shares.count <= 2 { return StickyMap(shares) }
        var balance = Balance(lengths: Self.lengths(shares))
        var pieces = pieces
        for piece in pieces { balance.subtract(piece.length, from: piece.version) }
        Self.shiftBoundaries(of: &pieces, &balance)
        pieces = Self.cut(pieces, &balance)
        let intervals = Self.intervals(pieces)
        return intervals.count > Self.intervalLimit ? StickyMap(shares) : StickyMap(intervals)
    }

    private init(_ intervals: [Interval]) {
        self.intervals = intervals
    }

    /// What each version is to have more (above zero) or less (below zero) than it has.
    private struct Balance {
        private(set) var wanted: [(version: String, length: Int128)]

        init(lengths: [(version: String, length: UInt128)]) {
            wanted = lengths.map { ($0.version, Int128($0.length)) }
        }

        mutating func subtract(_ length: UInt128, from version: String) {
            add(-Int128(length), to: version)
        }

        mutating func move(_ length: UInt128, from giver: String, to taker: String) {
            add(Int128(length), to: giver)
            add(-Int128(length), to: taker)
        }

        func surplus(_ version: String) -> UInt128 { UInt128(max(0, -balance(version))) }

        func deficit(_ version: String) -> UInt128 { UInt128(max(0, balance(version))) }

        /// The first version that still wants something.
        var taker: String? { wanted.first { $0.length > 0 }?.version }

        private func balance(_ version: String) -> Int128 {
            wanted.first { $0.version == version }?.length ?? 0
        }

        private mutating func add(_ length: Int128, to version: String) {
            if let index = wanted.firstIndex(where: { $0.version == version }) {
                wanted[index].length += length
            } else {
                wanted.append((version, length))
            }
        }
    }

    /// Moves boundaries between a version that gives and one that takes: this makes no new pieces.
    private static func shiftBoundaries(of pieces: inout [Piece], _ balance: inout Balance) {
        for index in pieces.indices.dropLast() {
            for (giver, taker) in [(index, index + 1), (index + 1, index)] {
                let length = min(
                    balance.surplus(pieces[giver].version),
                    balance.deficit(pieces[taker].version), pieces[giver].length)
                if length == 0 { continue }
                pieces[giver].length -= length
                pieces[taker].length += length
                balance.move(length, from: pieces[giver].version, to: pieces[taker].version)
            }
        }
    }

    /// Cuts what is still to be given from the ends of the givers' pieces, the last pieces first.
    private static func cut(_ pieces: [Piece], _ balance: inout Balance) -> [Piece] {
        var reversed: [Piece] = []
        for piece in pieces.reversed() {
            var rest = piece
            while rest.length > 0, let taker = balance.taker {
                let length = min(
                    balance.surplus(rest.version), balance.deficit(taker), rest.length)
                if length == 0 { break }
                rest.length -= length
                reversed.append(Piece(length: length, version: taker))
                balance.move(length, from: rest.version, to: taker)
            }
            reversed.append(rest)
        }
        return reversed.reversed()
    }

    /// The exact length of each version's part; together they are 2⁶⁴.
    private static func lengths(_ shares: Shares) -> [(version: String, length: UInt128)] {
        let total = UInt128(max(shares.total, 1))
        var sum: UInt128 = 0
        var end: UInt128 = 0
        return shares.shares.map { share in
            sum += UInt128(share.weight)
            let start = end
            end = (sum << 64) / total
            return (share.version, end - start)
        }
    }

    private static func intervals(_ pieces: [Piece]) -> [Interval] {
        var intervals: [Interval] = []
        var start: UInt128 = 0
        for piece in pieces where piece.length > 0 {
            if intervals.last?.version != piece.version {
                intervals.append(
                    Interval(start: UInt64(truncatingIfNeeded: start), version: piece.version))
            }
            start += piece.length
        }
        return intervals
    }

    private var pieces: [Piece] {
        intervals.indices.map { index in
            let start = UInt128(intervals[index].start)
            let end =
                index + 1 < intervals.count ? UInt128(intervals[index + 1].start) : 1 << 64
            return Piece(length: end - start, version: intervals[index].version)
        }
    }
}
