/// XXH64 with seed 0, the hash that Envoy places endpoints on its ring with.
///
/// It is made for short input that is hashed when the configuration changes, not for requests.
func xxHash64(_ bytes: [UInt8]) -> UInt64 {
    var position = 0
    var hash: UInt64
    if bytes.count >= 32 {
        hash = mixStripes(bytes, &position)
    } else {
        hash = prime5
    }
    hash &+= UInt64(bytes.count)
    while bytes.count - position >= 8 {
        hash ^= round(0, word(bytes, position, byteCount: 8))
        hash = rotate(hash, 27) &* prime1 &+ prime4
        position += 8
    }
    if bytes.count - position >= 4 {
        hash ^= word(bytes, position, byteCount: 4) &* prime1
        hash = rotate(hash, 23) &* prime2 &+ prime3
        position += 4
    }
    while position < bytes.count {
        hash ^= UInt64(bytes[position]) &* prime5
        hash = rotate(hash, 11) &* prime1
        position += 1
    }
    hash = (hash ^ hash >> 33) &* prime2
    hash = (hash ^ hash >> 29) &* prime3
    return hash ^ hash >> 32
}

private let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
private let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
private let prime3: UInt64 = 0x1656_67B1_9E37_79F9
private let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
private let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

private func mixStripes(_ bytes: [UInt8], _ position: inout Int) -> UInt64 {
    var lanes: (UInt64, UInt64, UInt64, UInt64) = (
        prime1 &+ prime2, prime2, 0, 0 &- prime1
    )
    while bytes.count - position >= 32 {
        lanes.0 = round(lanes.0, word(bytes, position, byteCount: 8))
        lanes.1 = round(lanes.1, word(bytes, position + 8, byteCount: 8))
        lanes.2 = round(lanes.2, word(bytes, position + 16, byteCount: 8))
        lanes.3 = round(lanes.3, word(bytes, position + 24, byteCount: 8))
        position += 32
    }
    var hash = rotate(lanes.0, 1) &+ rotate(lanes.1, 7)
    hash &+= rotate(lanes.2, 12) &+ rotate(lanes.3, 18)
    for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
        hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
    }
    return hash
}

private func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* prime2, 31) &* prime1
}

private func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value << bits | value >> (64 - bits)
}

/// The little-endian number in the `byteCount` bytes at `position`.
private func word(_ bytes: [UInt8], _ position: Int, byteCount: Int) -> UInt64 {
    var value: UInt64 = 0
    for offset in 0..<byteCount {
        value |= UInt64(bytes[position + offset]) << UInt64(8 * offset)
    }
    return value
}
