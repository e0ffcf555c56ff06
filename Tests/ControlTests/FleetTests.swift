import Testing

@testable import Control

@Suite struct `The fleet` {
    private func proxy(_ id: String) -> Fleet.Proxy {
        Fleet.Proxy(
            id: id, service: "client", address: "127.0.0.1:1", userAgent: "", connectedAt: 0)
    }

    @Test func `tells applied, lagging and refused apart`() {
        let fleet = Fleet()
        for (stream, id) in ["a", "b", "c"].enumerated() {
            fleet.connect(UInt64(stream), proxy(id))
        }
        fleet.advance(0, to: 5)
        fleet.advance(1, to: 4)
        fleet.advance(2, to: 3)
        fleet.refuse(2, Fleet.Refusal(type: "t", revision: 5, reason: "bad"))
        let coverage = fleet.coverage(of: 5)
        #expect(coverage.applied == 1 && coverage.of == 3 && !coverage.isComplete)
        #expect(coverage.lagging == ["b"])
        #expect(coverage.refused.map(\.proxy) == ["c"])
        #expect(fleet.all.map { $0.standing(at: 5) } == [.current, .lagging, .refused])
        #expect(fleet.coverage(of: 3).isComplete)

        fleet.advance(2, to: 6)
        #expect(fleet.all[2].refusal == nil)
        fleet.advance(1, to: 5)
        #expect(fleet.coverage(of: 5).isComplete)
        fleet.disconnect(0)
        fleet.disconnect(0)
        #expect(fleet.coverage(of: 5).of == 2)
    }

    @Test func `is shown with its lag`() throws {
        let bench = try Bench()
        bench.send("PUT", "/v1/services/reviews", reviews)
        bench.fleet.connect(1, proxy("client-1"))
        let list = bench.send("GET", "/v1/proxies").json
        let items = list["items"] as? [[String: Any]]
        #expect(items?.first?["id"] as? String == "client-1")
        #expect(items?.first?["state"] as? String == "lagging")
        #expect(items?.first?["lag"] as? Int == 1)
        bench.fleet.advance(1, to: 1)
        let revision = bench.send("GET", "/v1/revisions/1").json["inEffect"] as? [String: Any]
        #expect(revision?["complete"] as? Bool == true)
    }
}

@Suite struct `The event log` {
    private final class Sink: EventSink {
        var text = ""
        var isOpen = true

        func deliver(_ events: [UInt8]) -> Bool {
            text += String(decoding: events, as: UTF8.self)
            return isOpen
        }

        var ids: [Substring] { text.matches(of: /id: (\S+)/).map(\.1) }
    }

    private let greeting = AppliedDocument(Fleet().coverage(of: 0))

    @Test func `goes on after the last event that was seen`() {
        let log = EventLog(epoch: 7)
        let first = Sink()
        log.follow(first, after: nil, greeting: greeting)
        for _ in 0..<3 { log.append("revision", 1) }
        #expect(first.ids == ["7-1", "7-2", "7-3"])

        for (last, ids, isReset) in [
            ("7-1", ["7-2", "7-3"], false), ("7-3", [], false),
            ("7-0", ["7-1", "7-2", "7-3"], false),
            ("6-1", [], true), ("x", [], true), ("7-9", [], true), ("", [], true),
        ] as [(String, [Substring], Bool)] {
            let sink = Sink()
            log.follow(sink, after: last, greeting: greeting)
            #expect(sink.ids == ids, "\(last)")
            #expect(sink.text.contains("event: reset") == isReset, "\(last)")
            #expect(sink.text.contains("event: applied"))
        }
    }

    @Test func `keeps a bounded past, and only followers that take events`() {
        let log = EventLog(epoch: 7)
        let sink = Sink()
        log.follow(sink, after: nil, greeting: greeting)
        log.keepAlive()
        #expect(sink.text.hasSuffix("\n:\n\n"))
        sink.isOpen = false
        log.keepAlive()
        #expect(log.followerCount == 0)
        for _ in 0...EventLog.limit { log.append("revision", 1) }
        let late = Sink()
        log.follow(late, after: "7-0", greeting: greeting)
        #expect(late.text.contains("event: reset"))
        log.unfollow(late)
        #expect(log.followerCount == 0)

        let long = String(repeating: "x", count: 4096)
        for _ in 0..<200 { log.append("proxy", long) }
        for (sequence, isReset) in [(EventLog.limit + 1, true), (EventLog.limit + 101, false)] {
            let sink = Sink()
            log.follow(sink, after: "7-\(sequence)", greeting: greeting)
            #expect(sink.text.contains("event: reset") == isReset)
            #expect(sink.text.utf8.count <= EventLog.repeatedByteLimit + 1024)
        }
    }
}
