/// Picks `picks` of every `period` requests: one at a random place in each stratum of
/// period/picks requests.
///
/// Stratum k is the interval [k·q/p, (k+1)·q/p) of the line of requests, of length 2 at the least,
/// and has one pick, at a request that it holds wholly or in part. A request on a boundary belongs
/// to two strata and must not be picked by both:
/// - an even stratum picks on its own, the request under a uniform point of its interval;
/// - an odd one sees what both neighbours did: a boundary request that the neighbour left is taken
///   with the conditional probability that makes up for it, and what is left goes to the requests
///   inside, each alike.
///
/// So every request is picked with a probability of exactly p/q, and of the first N requests
/// floor(N·p/q) or ceil(N·p/q) are. Boundaries of whole periods fall between two requests, so each
/// period stands alone and 64 bits are enough for every product.
struct Strata: Sendable, Equatable {
    /// How many of a period are picked: 1…period/2.
    let picks: UInt64
    /// At most `UInt32.max`.
    let period: UInt64

    /// Where a request stands among the picked or among the others.
    struct Place {
        var isPicked: Bool
        /// How many earlier requests had the same answer.
        var rank: UInt64
    }

    /// Tells whether request `number` is picked.
    func place(_ number: UInt64, seed: UInt64) -> Place {
        let cycle = number / period
        let slot = number &- cycle &* period
        let stratum = slot &* picks / period
        let earlier = cycle &* picks
        let chosen = choice(of: stratum, after: earlier, seed: seed)
        if chosen == slot { return Place(isPicked: true, rank: earlier &+ stratum) }
        let isShared = (slot &+ 1) &* picks > (stratum &+ 1) &* period
        if isShared, choice(of: stratum &+ 1, after: earlier, seed: seed) == slot {
            return Place(isPicked: true, rank: earlier &+ stratum &+ 1)
        }
        let picksBefore = earlier &+ stratum &+ (chosen < slot ? 1 : 0)
        return Place(isPicked: false, rank: number &- picksBefore)
    }

    /// The request of the period that `stratum` picks; `earlier` picks were made in periods before.
    private func choice(of stratum: UInt64, after earlier: UInt64, seed: UInt64) -> UInt64 {
        let start = stratum &* period
        let uniform = random(seed, earlier &+ stratum)
        if stratum & 1 == 0 { return (start &+ scaled(uniform, to: period)) / picks }

        let first = start / picks
        let overlap = start &- first &* picks
        let end = start &+ period
        let last = end / picks
        let rest = end &- last &* picks

        // Both neighbours are even, so where their points fell is known without their neighbours.
        let before = scaled(random(seed, earlier &+ stratum &- 1), to: period)
        let after = scaled(random(seed, earlier &+ stratum &+ 1), to: period)
        let isFirstFree = overlap > 0 && before < period &- overlap
        let isLastFree = rest > 0 && after >= picks &- rest

        let firstScale = period &- overlap
        let lastScale = period &- picks &+ rest
        let firstShare = isFirstFree ? (picks &- overlap) &* lastScale : 0
        let lastShare = isLastFree ? rest &* firstScale : 0
        let point = scaled(uniform, to: firstScale &* lastScale)
        if point < firstShare { return first }
        if point < firstShare &+ lastShare { return last }
        let inside = overlap > 0 ? first &+ 1 : first
        return inside &+ scaled(mixed(uniform ^ seed), to: last &- inside)
    }
}
