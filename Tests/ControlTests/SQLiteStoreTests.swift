import Foundation
import GRDB
import Kernel
import Mesh
import Testing

@testable import Control

@Suite struct `The SQLite store` {
    /// A file of its own, gone with the test.
    private final class Scratch {
        let path = NSTemporaryDirectory() + "pointsman-\(UUID().uuidString).sqlite"

        deinit {
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: path + suffix)
            }
        }
    }

    private func bench(_ scratch: Scratch) throws -> (Bench, SQLiteStore) {
        let store = try SQLiteStore(path: scratch.path)
        return (try Bench(store), store)
    }

    @Test func `has everything again after a restart`() throws {
        let scratch = Scratch()
        let before: APIReply
        do {
            let (bench, _) = try bench(scratch)
            bench.send("PUT", "/v1/services/reviews?reason=one", reviews)
            bench.send("PUT", "/v1/services/a", #"{"versions": {"v1": {"endpoints": []}}}"#)
            bench.send(
                "PUT", "/v1/services/reviews/split?route=default", #"{"weights": {"v2": 1}}"#)
            bench.send("DELETE", "/v1/services/a")
            before = bench.send("GET", "/v1/revisions")
            #expect(before.status == 200)
        }
        let (bench, store) = try bench(scratch)
        #expect(bench.send("GET", "/v1/revisions").body == before.body)
        #expect(bench.send("GET", "/v1/version").json["revision"] as? Int == 4)
        #expect(bench.send("GET", "/v1/services/reviews").value(of: "etag") == "\"r3\"")
        #expect(bench.send("GET", "/v1/services/a").status == 404)
        #expect(bench.send("GET", "/v1/revisions/1").json["why"] as? String == "one")
        #expect((bench.send("GET", "/v1/revisions/3").json["diff"] as? [Any])?.count == 2)
        #expect(bench.send("POST", "/v1/revisions/2:restore").json["revision"] as? Int == 5)
        #expect(bench.send("GET", "/v1/services/a").status == 200)
        #expect(try store.faults() == [])
    }

    @Test func `is written ahead and synced at every commit`() throws {
        let scratch = Scratch()
        let store = try SQLiteStore(path: scratch.path)
        let settings = try store.queue.read { database in
            [
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try String.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA foreign_keys"),
                try String.fetchOne(database, sql: "PRAGMA locking_mode"),
            ]
        }
        #expect(settings == ["wal", "2", "1", "exclusive"])
    }

    @Test func `is whole in its file once it is closed`() throws {
        let scratch = Scratch()
        let copy = Scratch()
        let (bench, store) = try bench(scratch)
        bench.send("PUT", "/v1/services/reviews", reviews)
        store.close()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy.path)
        #expect(try SQLiteStore(path: copy.path).load().names == ["reviews"])
        #expect(bench.send("DELETE", "/v1/services/reviews").status == 503)
    }

    @Test func `belongs to one process`() throws {
        let scratch = Scratch()
        let store = try SQLiteStore(path: scratch.path)
        #expect(throws: StoreError.inUse) { try SQLiteStore(path: scratch.path) }
        withExtendedLifetime(store) {}
    }

    @Test func `keeps nothing of what does not fit, and goes on when there is room`() throws {
        let (bench, store) = try bench(Scratch())
        bench.send("PUT", "/v1/services/reviews", reviews)
        let pages = try store.queue.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        try store.queue.writeWithoutTransaction { database in
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages)")
        }
        let addresses = (1...900).map { "\"127.0.0.1:\($0)\"" }.joined(separator: ",")
        let large = #"{"versions": {"v1": {"endpoints": [\#(addresses)]}}}"#
        #expect(bench.send("PUT", "/v1/services/large", large).status == 507)
        #expect(bench.send("GET", "/v1/services/large").status == 404)
        #expect(bench.send("GET", "/v1/revisions").status == 200)
        #expect(bench.send("GET", "/v1/version").json["revision"] as? Int == 1)

        try store.queue.writeWithoutTransaction { database in
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = 100000")
        }
        #expect(bench.send("PUT", "/v1/services/large", large).json["revision"] as? Int == 2)
        #expect(try store.faults() == [])
    }

    @Test func `answers 503 where it may not write`() throws {
        let (bench, store) = try bench(Scratch())
        bench.send("PUT", "/v1/services/reviews", reviews)
        try store.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        let reply = bench.send("DELETE", "/v1/services/reviews")
        #expect(reply.status == 503)
        #expect(reply.value(of: "retry-after") != nil)
        #expect(bench.send("GET", "/v1/services/reviews").status == 200)
    }

    @Test func `does not start with what it cannot read`() throws {
        let scratch = Scratch()
        try Data("this is not a database, but it is long enough".utf8)
            .write(to: URL(fileURLWithPath: scratch.path))
        #expect(throws: StoreError.self) { try SQLiteStore(path: scratch.path) }

        let newer = Scratch()
        do {
            let store = try SQLiteStore(path: newer.path)
            try store.queue.write { database in
                try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('9: later')")
            }
        }
        #expect(throws: StoreError.newerSchema) { try SQLiteStore(path: newer.path) }
    }

    @Test func `forgets services that are long gone`() throws {
        let store = try SQLiteStore(path: ":memory:")
        let versions = [try Version(name: "v1", endpoints: [])]
        var world = World()
        for number in 1...SQLiteStore.revisionLimit + 500 {
            let name = "brief-\((number + 1) / 2)"
            let change = number % 2 == 1 ? try Service(name: name, versions: versions) : nil
            world = world.applying([name: change])
            let revision = Revision(
                number: number, at: 0, who: "", why: "", kind: .put, service: name)
            try store.append(revision, differences: [], next: world, names: [name])
        }
        let rows = try store.queue.read { database in
            try ["revisions", "documents"].map {
                try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM \($0)") ?? 0
            }
        }
        #expect(rows.allSatisfy { $0 <= Int(SQLiteStore.revisionLimit) + 2 })
        #expect(try store.world(at: 501).names == ["brief-251"])
        #expect(try store.world(at: 502).names == [])
        #expect(try store.faults() == [])
    }

    @Test func `forgets old revisions, and no service`() throws {
        let store = try SQLiteStore(path: ":memory:")
        let weights = (1...2).map { ["v1": Weight(UInt32($0)), "v2": Weight(1)] }
        let version = try ["v1", "v2"].map { try Version(name: $0, endpoints: []) }
        let services = try weights.map {
            try Service(name: "busy", versions: version, routes: [.init(weights: $0)])
        }
        var world = World().applying([
            "busy": services[0], "quiet": try Service(name: "quiet", versions: [version[0]]),
        ])
        var names = ["busy", "quiet"]
        for number in 1...SQLiteStore.revisionLimit + 200 {
            let revision = Revision(
                number: number, at: 0, who: "", why: "", kind: .split, service: "busy")
            try store.append(revision, differences: [], next: world, names: names)
            world = world.applying(["busy": services[Int(number % 2)]])
            names = ["busy"]
        }
        #expect(try store.revision(100) == nil)
        #expect(try store.revision(201) != nil)
        let rows = try store.queue.read {
            try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM revisions") ?? 0
        }
        #expect(rows <= Int(SQLiteStore.revisionLimit) + 2)
        let old = try store.world(at: 201)
        #expect(old.names == ["busy", "quiet"])
        #expect(old.services["quiet"]?.changedAt == 1)
        #expect(try store.faults() == [])
    }

    @Test func `loses nothing that it has accepted to a kill`() async throws {
        let folder = Crash.folder(of: ProcessInfo.processInfo.processIdentifier)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var accepted = 0
        for _ in 0..<8 {
            await #expect(processExitsWith: .signal(SIGKILL)) { try Crash.writeUntilKilled() }
            let file = try? Data(contentsOf: URL(fileURLWithPath: folder + "/accepted"))
            accepted = (file ?? Data()).count { $0 == UInt8(ascii: "\n") }
            let store = try SQLiteStore(path: folder + "/store.sqlite")
            let world = try store.load()
            let latest = Int(world.revision)
            #expect(latest == accepted || latest == accepted + 1, "\(accepted) were accepted")
            for number in stride(from: 1, through: UInt64(accepted), by: 7) {
                #expect(try store.revision(number)?.0.why == "change \(number)")
            }
            #expect(try store.faults() == [])
            // The next child goes on behind what is there, accepted or not.
            let lines = String(repeating: "\n", count: Int(world.revision))
            try Data(lines.utf8).write(to: URL(fileURLWithPath: folder + "/accepted"))
        }
        #expect(accepted > 0)
    }
}

/// A process that changes a split until it is killed in the middle.
private enum Crash {
    static func folder(of parent: Int32) -> String {
        NSTemporaryDirectory() + "pointsman-crash-\(parent)"
    }

    static func writeUntilKilled() throws {
        let folder = folder(of: getppid())
        let store = try SQLiteStore(path: folder + "/store.sqlite")
        let bench = try Bench(store)
        let accepted = try File.appending(folder + "/accepted")
        if bench.send("GET", "/v1/version").json["revision"] as? Int == 0 {
            let target = "/v1/services/reviews?reason=change%201"
            if bench.send("PUT", target, reviews).status == 201 {
                try File.write([UInt8(ascii: "\n")].span, to: accepted)
            }
        }
        let end = Instant.now() + .microseconds(Int.random(in: 1_000...120_000))
        Thread.detachNewThread {
            var now = Instant.now()
            while now < end { now = .now() }
            kill(getpid(), SIGKILL)
        }
        for weight in 1...1_000_000 {
            let next = bench.api.ledger.world.revision + 1
            let reply = bench.send(
                "PUT", "/v1/services/reviews/split?route=default&reason=change%20\(next)",
                #"{"weights": {"v1": \#(weight), "v2": 1000003}}"#)
            guard reply.status == 200 else { return }
            // The child before may have come as far as this weight.
            if reply.json["changed"] as? Bool == false { continue }
            try File.write([UInt8(ascii: "\n")].span, to: accepted)
        }
    }
}
