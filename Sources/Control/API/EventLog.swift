/// Who is told of events as they happen.
protocol EventSink: AnyObject {
    /// Takes server-sent events; `false` when it takes no more.
    func deliver(_ events: [UInt8]) -> Bool
}

/// What happened lately, as server-sent events (WHATWG HTML §9.2), for those who follow it.
final class EventLog {
    /// How many events can be read again with `Last-Event-ID`.
    static let limit = 1024
    /// Most bytes of events that are read again; a server cuts off who has more to take at once.
    static let repeatedByteLimit = 512 << 10
    /// How many can follow at once.
    static let followerLimit = 64

    /// Tells the events of this process from those before it.
    private let epoch: Int64
    private var sequence: UInt64 = 0
    private var recent: [[UInt8]] = []
    private var followers: [any EventSink] = []

    /// Makes an empty log.
    ///
    /// - Parameter epoch: When the process began, in milliseconds since 1970.
    init(epoch: Int64) {
        self.epoch = epoch
    }

    var followerCount: Int { followers.count }

    /// Tells all followers of an event.
    func append(_ name: String, _ data: some Encodable) {
        guard let data = try? encodeJSON(data) else { return }
        sequence += 1
        var event = Array("id: \(epoch)-\(sequence)\nevent: \(name)\ndata: ".utf8)
        event += data
        event += Array("\n\n".utf8)
        recent.append(event)
        if recent.count > Self.limit { recent.removeFirst(recent.count - Self.limit) }
        followers.removeAll { !$0.deliver(event) }
    }

    /// Begins to tell `sink` of events, after those that it has missed.
    ///
    /// - Parameters:
    ///   - sink: Who follows.
    ///   - last: The `Last-Event-ID` that it sent. When what came after that is not there any more,
    ///     it is first told to `reset`, which means: read anew what you show.
    ///   - greeting: The state of things, for a follower that begins here.
    func follow(_ sink: any EventSink, after last: String?, greeting: AppliedDocument) {
        var start = Array(": events of pointsman-control\nretry: 2000\n\n".utf8)
        if let last {
            if let missed = events(after: last) {
                for event in missed { start += event }
            } else {
                start += Array("event: reset\ndata: {}\n\n".utf8)
            }
        }
        if let data = try? encodeJSON(greeting) {
            start += Array("event: applied\ndata: ".utf8) + data + Array("\n\n".utf8)
        }
        if sink.deliver(start) { followers.append(sink) }
    }

    /// Sends what says nothing to all followers, so that neither they nor anything between takes
    /// the silence for the end.
    func keepAlive() {
        let comment = Array(":\n\n".utf8)
        followers.removeAll { !$0.deliver(comment) }
    }

    func unfollow(_ sink: any EventSink) {
        followers.removeAll { $0 === sink }
    }

    /// The events after that one; `nil` when some are not there any more, or they are too many.
    private func events(after last: String) -> ArraySlice<[UInt8]>? {
        let parts = last.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, parts[0] == "\(epoch)", let number = decimal(parts[1]),
            number <= sequence
        else { return nil }
        let missed = sequence - number
        guard missed <= UInt64(recent.count) else { return nil }
        let events = recent.suffix(Int(missed))
        return events.reduce(0) { $0 + $1.count } <= Self.repeatedByteLimit ? events : nil
    }
}
