/// One request under way; times are monotonic nanoseconds.
struct Flight {
    /// When it was to be sent; without a schedule, when it was.
    var due: UInt64
    var sent: UInt64
    /// How often the server gave it back unprocessed.
    var returnCount = 0
}

/// A place for one request on one connection, as long as the connection stays what it is.
struct Ticket {
    var connection: UInt32
    var epoch: UInt32
}

/// Free places, first in, first out, so that all connections get their share.
struct TicketQueue {
    private var tickets: [Ticket]
    private var first = 0
    private(set) var count = 0

    /// - Parameter capacity: Most tickets that there are at once; memory is taken here, once.
    init(capacity: Int) {
        tickets = Array(repeating: Ticket(connection: 0, epoch: 0), count: max(capacity, 1))
    }

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count == tickets.count }

    /// Adds a ticket; the queue is not full.
    mutating func append(_ ticket: Ticket) {
        precondition(!isFull, "a ticket for which there is no place")
        tickets[(first + count) % tickets.count] = ticket
        count += 1
    }

    mutating func popFirst() -> Ticket? {
        if count == 0 { return nil }
        let ticket = tickets[first]
        first = (first + 1) % tickets.count
        count -= 1
        return ticket
    }

    /// Drops the tickets that are void.
    mutating func removeAll(where isVoid: (Ticket) -> Bool) {
        for _ in 0..<count {
            guard let ticket = popFirst() else { return }
            if !isVoid(ticket) { append(ticket) }
        }
    }
}
