import Kernel
import Testing

@testable import Proxy

@Suite struct `One direction of a tunnel` {
    private func flow(_ events: (inout Flow) -> Void) -> Flow {
        var flow = Flow()
        events(&flow)
        return flow
    }

    @Test func `rests until its source is ready`() {
        #expect(Flow().next == .rest)
        #expect(flow { $0.destinationBecameReady() }.next == .rest)
        #expect(flow { $0.sourceBecameReady() }.next == .rest)
        let ready = flow {
            $0.sourceBecameReady()
            $0.destinationBecameReady()
        }
        #expect(ready.next == .receive)
    }

    @Test func `receives nothing more before what it has is sent`() {
        var sending = flow {
            $0.sourceBecameReady()
            $0.destinationBecameReady()
            $0.received(.bytes(10))
        }
        #expect(!sending.wantsInput)
        #expect(sending.next == .send)
        sending.sent(.bytes(9))
        #expect(sending.next == .send)
        sending.sent(.wouldBlock)
        #expect(sending.next == .rest)
        sending.destinationBecameReady()
        sending.sent(.bytes(1))
        #expect(sending.next == .receive)
        #expect(sending.wantsInput)
        sending.received(.wouldBlock)
        #expect(sending.next == .rest)
    }

    @Test func `passes an end on when all before it is sent`() {
        var ending = flow {
            $0.sourceBecameReady()
            $0.received(.ended)
        }
        #expect(ending.next == .rest)
        ending.destinationBecameReady()
        #expect(ending.next == .passEnd)
        #expect(!ending.isOver)
        ending.endPassed()
        #expect(ending.next == .rest)
        #expect(ending.isOver)
    }

    @Test func `is over when its destination has failed`() {
        let broken = flow {
            $0.sourceBecameReady()
            $0.destinationBecameReady()
            $0.received(.bytes(10))
            $0.destinationFailed()
        }
        #expect(broken.isOver)
        #expect(broken.next == .rest)
        #expect(broken.heldByteCount == 0)
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): repeatable by its seed.
private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// A source that has bytes and then ends, and a destination with so much room, both by chance.
private struct Sides {
    var random: SeededRandom
    var toCome: Int
    var arrived = 0
    var room = 0
    var delivered = 0
    var ends = 0
    let fails: Bool

    mutating func receive() -> Transfer {
        if arrived == 0 { return toCome == 0 ? .ended : .wouldBlock }
        let count = Int.random(in: 1...arrived, using: &random)
        arrived -= count
        return .bytes(count)
    }

    mutating func send(_ held: Int) -> Transfer {
        if room == 0 { return .wouldBlock }
        let count = Int.random(in: 1...min(room, held), using: &random)
        room -= count
        delivered += count
        return .bytes(count)
    }
}

@Suite struct `A direction under random events` {
    @Test(arguments: [false, true])
    func `delivers all, then one end, and never holds more than one part`(fails: Bool) {
        let seed = UInt64.random(in: 0...UInt64.max)
        for round in 0..<2000 {
            let random = SeededRandom(seed: seed &+ UInt64(round))
            var sides = Sides(random: random, toCome: 0, fails: fails)
            sides.toCome = Int.random(in: 0...5000, using: &sides.random)
            let total = sides.toCome
            var flow = Flow()
            var steps = 0
            while !flow.isOver, steps < 100_000 {
                steps += 1
                happen(&sides, &flow)
                take(&sides, &flow)
            }
            let comment: Comment = "seed \(seed), round \(round)"
            #expect(flow.isOver, comment)
            #expect(flow.next == .rest, comment)
            if flow.phase == .ended {
                #expect(sides.delivered == total, comment)
                #expect(sides.ends == 1, comment)
            } else {
                #expect(fails && sides.ends == 0, comment)
            }
        }
    }

    private func happen(_ sides: inout Sides, _ flow: inout Flow) {
        switch Int.random(in: 0..<4, using: &sides.random) {
        case 0:
            let count = min(sides.toCome, Int.random(in: 0...900, using: &sides.random))
            sides.toCome -= count
            sides.arrived += count
            if count > 0 || sides.toCome == 0 { flow.sourceBecameReady() }
        case 1:
            sides.room += Int.random(in: 1...700, using: &sides.random)
            flow.destinationBecameReady()
        case 2: flow.sourceBecameReady()
        default: flow.destinationBecameReady()
        }
    }

    private func take(_ sides: inout Sides, _ flow: inout Flow) {
        for _ in 0..<Int.random(in: 0...6, using: &sides.random) {
            let before = flow.heldByteCount
            switch flow.next {
            case .rest: return
            case .receive:
                #expect(before == 0)
                flow.received(sides.receive())
            case .send:
                if sides.fails, Int.random(in: 0..<20, using: &sides.random) == 0 {
                    flow.destinationFailed()
                } else {
                    flow.sent(sides.send(before))
                }
            case .passEnd:
                sides.ends += 1
                flow.endPassed()
            }
        }
    }
}
