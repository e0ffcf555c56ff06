/// The 64-bit xxHash of `bytes`, which Envoy uses for hash policies too.
///
/// Source: doc/xxhash_spec.md of the xxHash project, "XXH64 Algorithm Description".
public func xxHash64(_ bytes: Span<UInt8>, seed: UInt64 = 0) -> UInt64 {
    var hash: UInt64
    var position = 0
    if bytes.count >= 32 {
        var lanes = Lanes(seed: seed)
        while position + 32 <= bytes.count {
            lanes.add(bytes.extracting(position..<position + 32))
            position += 32
        }
        hash = lanes.converged
    } else {
        hash = seed &+ prime5
    }
    hash &+= UInt64(bytes.count)
    while position + 8 <= bytes.count {
        let word = bytes.word(at: position)
        hash = rotate(hash ^ round(0, word), 27) &* prime1 &+ prime4
        position += 8
    }
    if position + 4 <= bytes.count {
        let word = bytes.word(at: position, count: 4)
        hash = rotate(hash ^ (word &* prime1), 23) &* prime2 &+ prime3
        position += 4
    }
    while position < bytes.count {
        hash = rotate(hash ^ (UInt64(bytes[position]) &* prime5), 11) &* prime1
        position += 1
    }
    hash = (hash ^ (hash >> 33)) &* prime2
    hash = (hash ^ (hash >> 29)) &* prime3
    return hash ^ (hash >> 32)
}

private let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
private let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
private let prime3: UInt64 = 0x1656_67B1_9E37_79F9
private let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
private let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

/// The four accumulators that take in 32 bytes at a time.
private struct Lanes {
    var one: UInt64
    var two: UInt64
    var three: UInt64
    var four: UInt64

    init(seed: UInt64) {
        one = seed &+ prime1 &+ prime2
        two = seed &+ prime2
        three = seed
        four = seed &- prime1
    }

    mutating func add(_ stripe: Span<UInt8>) {
        one = round(one, stripe.word(at: 0))
        two = round(two, stripe.word(at: 8))
        three = round(three, stripe.word(at: 16))
        four = round(four, stripe.word(at: 24))
    }

    var converged: UInt64 {
        var hash = rotate(one, 1) &+ rotate(two, 7) &+ rotate(three, 12) &+ rotate(four, 18)
        for lane in [one, two, three, four] {
            hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
        }
        return hash
    }
}

private func round(_ accumulator: UInt64, _ word: UInt64) -> UInt64 {
    rotate(accumulator &+ word &* prime2, 31) &* prime1
}

private func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value &<< count | value &>> (64 &- count)
}
