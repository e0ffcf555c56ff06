/// How much of the traffic each priority gets, by the health of its endpoints, as Envoy splits it.
///
/// A priority is taken for whole while `healthy × overprovisioning factor` reaches all of it; only
/// what it cannot carry spills over to the next one. A priority is in *panic* when less than the
/// threshold of it is usable and all priorities together cannot carry the load either: then all
/// of its endpoints are used, because a few of them would only break under the load of all.
struct PriorityLoad: Equatable {
    struct Level: Equatable {
        var endpointCount: Int
        var healthyCount: Int
        var degradedCount: Int
        /// Those that this proxy itself has not ejected, whatever the control plane says of them.
        var acceptedCount: Int
        /// Shares of the traffic in percent; over all levels they sum to 100.
        var healthyPercent = 0
        var degradedPercent = 0
        var isInPanic = false
    }

    /// Fills in the shares.
    ///
    /// - Parameters:
    ///   - levels: In the order of their priority.
    ///   - overprovisioningFactor: In percent; 140 carries all with 72 % of the endpoints.
    ///   - panicThreshold: In percent; zero is never.
    static func distribute(
        over levels: inout [Level], overprovisioningFactor: UInt32, panicThreshold: Double
    ) {
        var availability = 0
        for index in levels.indices {
            let level = levels[index]
            availability += health(level.healthyCount, level.endpointCount, overprovisioningFactor)
            availability += health(level.degradedCount, level.endpointCount, overprovisioningFactor)
        }
        availability = min(availability, 100)
        var isTotalPanic = true
        for index in levels.indices where levels[index].endpointCount > 0 {
            let usable = Double(levels[index].healthyCount + levels[index].degradedCount)
            let share = usable * 100 / Double(levels[index].endpointCount)
            levels[index].isInPanic = availability < 100 && share < panicThreshold
            if !levels[index].isInPanic { isTotalPanic = false }
        }
        if isTotalPanic || availability == 0 {
            distributeByCount(over: &levels)
        } else {
            distributeByHealth(over: &levels, overprovisioningFactor, availability)
        }
    }

    private static func distributeByCount(over levels: inout [Level]) {
        // Ejected endpoints get something only when there is nobody else in any priority.
        let accepted = levels.reduce(0) { $0 + $1.acceptedCount }
        let total = accepted > 0 ? accepted : levels.reduce(0) { $0 + $1.endpointCount }
        if total == 0 { return }
        func count(_ level: Level) -> Int {
            accepted > 0 ? level.acceptedCount : level.endpointCount
        }
        let first = levels.firstIndex { count($0) > 0 }
        var left = 100
        for index in levels.indices.reversed() {
            let share = index == first ? left : count(levels[index]) * 100 / total
            levels[index].healthyPercent = share
            levels[index].degradedPercent = 0
            left -= share
        }
    }

    private static func distributeByHealth(
        over levels: inout [Level], _ factor: UInt32, _ availability: Int
    ) {
        var left = 100
        for index in levels.indices {
            let health = health(levels[index].healthyCount, levels[index].endpointCount, factor)
            levels[index].healthyPercent = min(left, health * 100 / availability)
            left -= levels[index].healthyPercent
        }
        for index in levels.indices {
            let health = health(levels[index].degradedCount, levels[index].endpointCount, factor)
            levels[index].degradedPercent = min(left, health * 100 / availability)
            left -= levels[index].degradedPercent
        }
        // What rounding left over goes to the first that takes any.
        if let index = levels.firstIndex(where: { $0.healthyPercent > 0 }) {
            levels[index].healthyPercent += left
        } else if let index = levels.firstIndex(where: { $0.degradedPercent > 0 }) {
            levels[index].degradedPercent += left
        }
    }

    private static func health(_ usable: Int, _ total: Int, _ factor: UInt32) -> Int {
        total == 0 ? 0 : min(100, Int(factor) * usable / total)
    }
}
