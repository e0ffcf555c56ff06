import Testing

@testable import Routing

@Suite struct `Strata of picks` {
    /// Every period up to 24 with every number of picks: each rank follows the last on its side.
    @Test(arguments: [1, 2, 0xDEAD_BEEF] as [UInt64])
    func `number both sides without a gap and stay within one request`(seed: UInt64) {
        for period in 2...24 as ClosedRange<UInt64> {
            for picks in 1...period / 2 {
                let strata = Strata(picks: picks, period: period)
                var picked: UInt64 = 0
                for number in 0..<period * 12 {
                    let place = strata.place(number, seed: seed)
                    #expect(place.rank == (place.isPicked ? picked : number - picked))
                    if place.isPicked { picked += 1 }
                    let exact = (number + 1) * picks
                    let isFloorOrCeiling =
                        picked == exact / period || picked == (exact + period - 1) / period
                    #expect(isFloorOrCeiling, "\(picks)/\(period) at \(number), seed \(seed)")
                }
            }
        }
    }

    /// Over many seeds, each slot of a period is picked as often as any other.
    @Test(
        arguments: [
            (2, 5), (3, 7), (3, 10), (5, 12), (1, 2), (1, 20), (7, 16),
        ] as [(UInt64, UInt64)])
    func `pick every request with the same probability`(picks: UInt64, period: UInt64) {
        let strata = Strata(picks: picks, period: period)
        let trials: UInt64 = 4000
        var hits = [UInt64](repeating: 0, count: Int(period))
        for trial in 0..<trials {
            for slot in 0..<period where strata.place(slot, seed: random(7, trial)).isPicked {
                hits[Int(slot)] += 1
            }
        }
        let expected = Double(trials * picks) / Double(period)
        let variance = expected * (1 - Double(picks) / Double(period))
        for (slot, count) in hits.enumerated() {
            let deviation = (Double(count) - expected) / variance.squareRoot()
            #expect(abs(deviation) < 4.5, "slot \(slot): \(count), expected \(expected)")
        }
        #expect(hits.reduce(0, +) == trials * picks)
    }
}
