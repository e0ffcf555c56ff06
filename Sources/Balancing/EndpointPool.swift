/// The endpoints of a priority that one kind of request may go to.
///
/// Its arrays get their memory when the configuration changes, so that it can be filled anew on
/// the request path without an allocation.
struct EndpointPool {
    private(set) var members: [UInt32] = []
    /// The sums of the weights up to each member.
    private var sums: [UInt64] = []
    private(set) var isUniform = true
    private var lastWeight: UInt32 = 0
    private var cursor = 0

    var count: Int { members.count }
    var isEmpty: Bool { members.isEmpty }
    var weightSum: UInt64 { sums.last ?? 0 }

    mutating func reserve(_ count: Int) {
        members.reserveCapacity(count)
        sums.reserveCapacity(count)
    }

    mutating func removeAll() {
        members.removeAll(keepingCapacity: true)
        sums.removeAll(keepingCapacity: true)
        isUniform = true
    }

    mutating func append(_ slot: UInt32, weight: UInt32) {
        if !members.isEmpty, weight != lastWeight { isUniform = false }
        lastWeight = weight
        sums.append(weightSum + UInt64(weight))
        members.append(slot)
    }

    /// Lets the turns begin with the member at `position`.
    mutating func begin(at position: Int) {
        cursor = position
    }

    /// The next member in turn; the pool must not be empty.
    mutating func nextInTurn() -> Int {
        if cursor >= members.count { cursor = 0 }
        defer { cursor += 1 }
        return cursor
    }

    /// A member at random by weight; the pool must not be empty.
    func drawn(by random: inout RandomSequence) -> Int {
        if isUniform { return Int(random.below(UInt64(members.count))) }
        let point = random.below(weightSum)
        var low = 0
        var high = sums.count - 1
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] <= point { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func position(after position: Int) -> Int {
        position + 1 == members.count ? 0 : position + 1
    }
}
