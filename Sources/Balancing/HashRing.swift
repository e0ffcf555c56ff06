import Bytes

/// Points on a circle of 64 bits, each of which belongs to an endpoint, placed as Envoy places
/// them: XXH64 of `host:port_i`, as many points for each endpoint as its weight asks for.
///
/// As in Envoy the size of the ring stays about the same, so that with one endpoint more everyone
/// else has fewer points. The ring holds every endpoint of a priority, also those that cannot be
/// used now: a lookup walks past them, so that losing one endpoint moves only the keys it had.
struct HashRing {
    struct Member {
        let slot: UInt32
        let address: EndpointIdentity
        let weight: UInt32
    }

    private struct Point {
        let hash: UInt64
        let slot: UInt32
    }

    private var points: [Point] = []

    /// - Parameters:
    ///   - members: All of one priority; none twice.
    ///   - minimumSize: The fewest points, where the largest size allows them.
    ///   - maximumSize: The most points; at least one for the weightiest member.
    init(members: [Member], minimumSize: UInt64, maximumSize: UInt64) {
        let total = members.reduce(0.0) { $0 + Double($1.weight) }
        guard let lightest = members.map({ Double($0.weight) / total }).min() else { return }
        let wanted = (lightest * Double(minimumSize)).rounded(.up) / lightest
        let scale = min(wanted, Double(maximumSize))
        points.reserveCapacity(Int(scale.rounded(.up)) + members.count)
        var targetCount = 0.0
        for member in members {
            targetCount += scale * Double(member.weight) / total
            var key = Array("\(member.address)_".utf8)
            let prefixCount = key.count
            var copy = 0
            while Double(points.count) < targetCount {
                key.removeLast(key.count - prefixCount)
                key.append(contentsOf: String(copy).utf8)
                points.append(Point(hash: xxHash64(key.span), slot: member.slot))
                copy += 1
            }
        }
        points.sort { ($0.hash, $0.slot) < ($1.hash, $1.slot) }
    }

    var count: Int { points.count }

    /// Where the first point at or after `hash` stands; the ring must not be empty.
    func firstPosition(atOrAfter hash: UInt64) -> Int {
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        return low == points.count ? 0 : low
    }

    func slot(at position: Int) -> UInt32 { points[position].slot }

    func position(after position: Int) -> Int {
        position + 1 == points.count ? 0 : position + 1
    }
}
