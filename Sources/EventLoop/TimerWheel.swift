/// Names one timer that waits; the generation outdates it once it fired or was cancelled.
public struct TimerToken: Hashable, Sendable {
    var slot: UInt32
    var generation: UInt32
}

/// Who is told that time is up.
public protocol TimerHandler: AnyObject {
    /// The timer has fired; its token names nothing any more.
    func timerFired(_ timer: TimerToken)
}

/// Timers with a resolution of one tick; setting, cancelling and firing one is O(1).
///
/// Four wheels of 64 slots: a slot of the first is one tick, a slot of each next one a whole turn
/// of the wheel before. When a wheel reaches an occupied slot, what is in there moves down.
/// A deadline beyond the last wheel (about 4.6 hours at 1 ms) waits there for another round.
struct TimerWheel {
    private struct Entry {
        var handler: (any TimerHandler)?
        var deadline: UInt64
        var generation: UInt32
        var list: UInt16
        var next: UInt32
        var previous: UInt32
    }

    private static let none = UInt32.max
    private static let levels = 4
    private static let slotBits = 6

    private var entries: [Entry] = []
    private var vacant = none
    private var heads = [UInt32](repeating: none, count: levels * 64)
    private var occupied = [UInt64](repeating: 0, count: levels)
    private var current: UInt64
    private(set) var count = 0

    init(now: UInt64) {
        current = now
    }

    /// Sets a timer that fires when `advance` reaches `deadline`, at the next tick at the earliest.
    mutating func schedule(at deadline: UInt64, for handler: any TimerHandler) -> TimerToken {
        let slot = takeVacant()
        entries[Int(slot)].handler = handler
        entries[Int(slot)].deadline = max(deadline, current + 1)
        count += 1
        link(slot)
        return TimerToken(slot: slot, generation: entries[Int(slot)].generation)
    }

    /// Drops a timer; one that fired already is none any more.
    mutating func cancel(_ token: TimerToken) {
        let slot = Int(token.slot)
        guard slot < entries.count, entries[slot].generation == token.generation,
            entries[slot].handler != nil
        else { return }
        unlink(token.slot)
        free(token.slot)
    }

    /// The first tick at which there may be something to do; `nil` when no timer waits.
    var nextTick: UInt64? {
        if count == 0 { return nil }
        var earliest: UInt64?
        for level in 0..<Self.levels where occupied[level] != 0 {
            let shift = level * Self.slotBits
            let base = current >> UInt64(shift)
            let from = (base + 1) & 63
            let rotated = occupied[level] >> from | occupied[level] << ((64 - from) & 63)
            let tick = (base + 1 + UInt64(rotated.trailingZeroBitCount)) << UInt64(shift)
            earliest = min(earliest ?? tick, tick)
        }
        return earliest
    }

    /// The next timer that is due at `now`, taken out; `nil` when there is none any more.
    mutating func takeDue(now: UInt64) -> (token: TimerToken, handler: any TimerHandler)? {
        while true {
            if let due = popDue() { return due }
            guard let tick = nextTick, tick <= now else {
                current = max(current, now)
                return nil
            }
            current = tick
            cascade()
        }
    }

    private mutating func popDue() -> (token: TimerToken, handler: any TimerHandler)? {
        let slot = heads[Int(current & 63)]
        if slot == Self.none { return nil }
        let entry = entries[Int(slot)]
        guard entry.deadline <= current, let handler = entry.handler else { return nil }
        let token = TimerToken(slot: slot, generation: entry.generation)
        unlink(slot)
        free(slot)
        return (token, handler)
    }

    private mutating func cascade() {
        for level in stride(from: Self.levels - 1, through: 1, by: -1) {
            let shift = UInt64(level * Self.slotBits)
            if current & ((1 << shift) - 1) != 0 { continue }
            let list = level * 64 + Int((current >> shift) & 63)
            var slot = heads[list]
            heads[list] = Self.none
            occupied[level] &= ~(1 << ((current >> shift) & 63))
            while slot != Self.none {
                let next = entries[Int(slot)].next
                link(slot)
                slot = next
            }
        }
    }

    private mutating func link(_ slot: UInt32) {
        let deadline = entries[Int(slot)].deadline
        let reach = UInt64(1) << UInt64(Self.levels * Self.slotBits)
        let target = min(deadline, current + reach - 1)
        let delta = max(target, current) - current
        var level = 0
        while level < Self.levels - 1, delta >> UInt64((level + 1) * Self.slotBits) != 0 {
            level += 1
        }
        let index = Int((target >> UInt64(level * Self.slotBits)) & 63)
        let list = level * 64 + index
        let head = heads[list]
        entries[Int(slot)].list = UInt16(list)
        entries[Int(slot)].next = head
        entries[Int(slot)].previous = Self.none
        if head != Self.none { entries[Int(head)].previous = slot }
        heads[list] = slot
        occupied[level] |= 1 << UInt64(index)
    }

    private mutating func unlink(_ slot: UInt32) {
        let entry = entries[Int(slot)]
        if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
        if entry.previous != Self.none {
            entries[Int(entry.previous)].next = entry.next
        } else {
            let list = Int(entry.list)
            heads[list] = entry.next
            if entry.next == Self.none { occupied[list >> 6] &= ~(1 << UInt64(list & 63)) }
        }
    }

    private mutating func takeVacant() -> UInt32 {
        if vacant != Self.none {
            let slot = vacant
            vacant = entries[Int(slot)].next
            return slot
        }
        entries.append(
            Entry(
                handler: nil, deadline: 0, generation: 0, list: 0, next: Self.none,
                previous: Self.none))
        return UInt32(entries.count - 1)
    }

    private mutating func free(_ slot: UInt32) {
        entries[Int(slot)].handler = nil
        entries[Int(slot)].generation &+= 1
        entries[Int(slot)].next = vacant
        vacant = slot
        count -= 1
    }
}
