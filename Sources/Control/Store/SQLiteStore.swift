import FoundationEssentials
import GRDB
import Mesh

/// Revisions in one SQLite file that belongs to this process alone.
///
/// Written ahead and synced at every commit. A service is kept whole in each revision that changed
/// it, so that the world of any revision is the newest of each service up to there.
final class SQLiteStore: RevisionStore {
    /// How many of the latest revisions can be read and restored.
    static let revisionLimit: UInt64 = 10_000
    /// After so many revisions what is beyond the limit is removed.
    private static let pruneInterval: UInt64 = 100
    /// In pages, so that the log fits on a small device.
    private static let checkpointInterval = 64

    let queue: DatabaseQueue
    private var latest: UInt64 = 0

    /// Opens the file, or makes it, and checks that it is sound.
    ///
    /// - Parameter path: `:memory:` keeps nothing.
    /// - Throws: ``StoreError``; nothing was written then.
    init(path: String) throws(StoreError) {
        var configuration = Configuration()
        configuration.label = "store"
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { database in
                if path != ":memory:" { try Self.setUp(database) }
                try Self.check(database)
            }
            let migrator = Self.migrator
            if try queue.read(migrator.hasBeenSuperseded) { throw StoreError.newerSchema }
            try migrator.migrate(queue)
            self.queue = queue
        } catch {
            throw StoreError(error)
        }
    }

    func load() throws(StoreError) -> World {
        let number = try run { database in
            try Int64.fetchOne(database, sql: "SELECT MAX(number) FROM revisions") ?? 0
        }
        latest = UInt64(clamping: number)
        return try world(at: latest)
    }

    func append(
        _ revision: Revision, differences: [Difference], next: World, names: [String]
    ) throws(StoreError) {
        let diff = try Self.text(differences)
        var documents: [(name: String, text: String?)] = []
        for name in names {
            let document = next.services[name].map { ServiceDocument($0.service, revision: nil) }
            documents.append(
                (
                    name,
                    try document.map { (value) throws(StoreError) in
                        try Self.text(value)
                    }
                ))
        }
        try run { database in
            try database.inTransaction(.immediate) {
                try Self.insert(revision, diff: diff, documents: documents, into: database)
                if revision.number % Self.pruneInterval == 0 {
                    try Self.prune(database, latest: revision.number)
                }
                return .commit
            }
        }
        latest = revision.number
    }

    func revision(_ number: UInt64) throws(StoreError) -> (Revision, [Difference])? {
        guard isKept(number) else { return nil }
        let row = try run { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM revisions WHERE number = ?",
                arguments: [Int64(clamping: number)])
        }
        guard let row, let revision = Revision(row) else { return nil }
        let text: String = row["diff"]
        let differences = try? JSONDecoder().decode([Difference].self, from: Data(text.utf8))
        return (revision, differences ?? [])
    }

    func revisions(before number: UInt64, limit: Int) throws(StoreError) -> [Revision] {
        let oldest = latest >= Self.revisionLimit ? latest - Self.revisionLimit : 0
        let rows = try run { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT number, at, who, why, kind, service FROM revisions
                    WHERE number < ? AND number > ? ORDER BY number DESC LIMIT ?
                    """,
                arguments: [Int64(clamping: number), Int64(clamping: oldest), limit])
        }
        return rows.compactMap { Revision($0) }
    }

    func world(at number: UInt64) throws(StoreError) -> World {
        let rows = try run { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT service, revision, document FROM documents
                    WHERE document IS NOT NULL AND (service, revision) IN (
                        SELECT service, MAX(revision) FROM documents
                        WHERE revision <= ? GROUP BY service)
                    """,
                arguments: [Int64(clamping: number)])
        }
        var services: [String: World.Entry] = [:]
        for row in rows {
            let name: String = row["service"]
            let changedAt: Int64 = row["revision"]
            services[name] = World.Entry(
                service: try Self.service(named: name, from: row["document"]),
                changedAt: UInt64(clamping: changedAt))
        }
        return World(revision: number, services: services)
    }

    func close() {
        // Where this fails, the write-ahead log is left, and read at the next start.
        try? queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        try? queue.close()
    }

    /// What SQLite says about the soundness of the file; empty when there is nothing to say.
    func faults() throws(StoreError) -> [String] {
        try run { database in try Self.faults(database) }
    }

    private func isKept(_ number: UInt64) -> Bool {
        number > 0 && number <= latest && latest - number < Self.revisionLimit
    }

    func run<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try queue.inDatabase(body)
        } catch {
            throw StoreError(error)
        }
    }
}

extension SQLiteStore {
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: revisions and the services that they changed") { database in
            try database.execute(
                sql: """
                    CREATE TABLE revisions (
                        number INTEGER PRIMARY KEY CHECK (number > 0),
                        at INTEGER NOT NULL,
                        who TEXT NOT NULL,
                        why TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        service TEXT,
                        diff TEXT NOT NULL
                    ) STRICT;
                    CREATE TABLE documents (
                        service TEXT NOT NULL,
                        revision INTEGER NOT NULL REFERENCES revisions (number),
                        document TEXT,
                        PRIMARY KEY (service, revision)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX documents_revision ON documents (revision);
                    """)
        }
        migrator.registerMigration("2: the mesh's certificate authority") { database in
            try database.execute(sql: authorityTables)
        }
        return migrator
    }

    private static func setUp(_ database: Database) throws {
        try database.execute(
            sql: """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = \(checkpointInterval);
                PRAGMA journal_size_limit = \(checkpointInterval * 4096);
                """)
    }

    private static func check(_ database: Database) throws {
        let faults = try faults(database)
        if !faults.isEmpty { throw StoreError.damaged(reason: faults.joined(separator: "; ")) }
    }

    private static func faults(_ database: Database) throws -> [String] {
        let lines = try String.fetchAll(database, sql: "PRAGMA integrity_check(4)")
        let orphans = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check")
        return lines.filter { $0 != "ok" }
            + (orphans.isEmpty ? [] : ["\(orphans.count) rows without the revision they name"])
    }

    private static func insert(
        _ revision: Revision, diff: String, documents: [(name: String, text: String?)],
        into database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO revisions (number, at, who, why, kind, service, diff)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int64(clamping: revision.number), revision.at, revision.who, revision.why,
                revision.kind.rawValue, revision.service, diff,
            ])
        for document in documents {
            try database.execute(
                sql: "INSERT INTO documents (service, revision, document) VALUES (?, ?, ?)",
                arguments: [document.name, Int64(clamping: revision.number), document.text])
        }
    }

    /// Removes what no kept revision has: older states of services, services that are long gone,
    /// and revisions that no service comes from.
    private static func prune(_ database: Database, latest: UInt64) throws {
        guard latest > revisionLimit else { return }
        let oldest = Int64(clamping: latest - revisionLimit + 1)
        try database.execute(
            sql: """
                DELETE FROM documents WHERE EXISTS (
                    SELECT 1 FROM documents newer WHERE newer.service = documents.service
                    AND newer.revision > documents.revision AND newer.revision <= ?)
                """,
            arguments: [oldest])
        // What was there before it is removed by now, so that nothing comes back.
        try database.execute(
            sql: "DELETE FROM documents WHERE document IS NULL AND revision <= ?",
            arguments: [oldest])
        try database.execute(
            sql: """
                DELETE FROM revisions WHERE number < ?
                AND number NOT IN (SELECT revision FROM documents)
                """,
            arguments: [oldest])
    }

    private static func text(_ value: some Encodable) throws(StoreError) -> String {
        do {
            return String(decoding: try encodeJSON(value), as: UTF8.self)
        } catch {
            throw .failed(reason: "\(error)")
        }
    }

    private static func service(named name: String, from text: String) throws(StoreError) -> Service
    {
        do {
            let document = try JSONDecoder().decode(ServiceDocument.self, from: Data(text.utf8))
            return try document.service(named: name)
        } catch {
            throw .damaged(reason: "service \(name): \(error)")
        }
    }
}

extension StoreError {
    /// Says what a failure of SQLite means for the one who asked.
    fileprivate init(_ error: any Error) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self = .failed(reason: "\(error)")
            return
        }
        self =
            switch error.resultCode {
            case .SQLITE_FULL: .full
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: .readOnly
            case .SQLITE_BUSY, .SQLITE_LOCKED: .inUse
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged(reason: error.message ?? "corrupt")
            default: .failed(reason: "\(error.extendedResultCode): \(error.message ?? "")")
            }
    }
}

extension Revision {
    fileprivate init?(_ row: Row) {
        guard let kind = Kind(rawValue: row["kind"]) else { return nil }
        let number: Int64 = row["number"]
        self.init(
            number: UInt64(clamping: number), at: row["at"], who: row["who"], why: row["why"],
            kind: kind, service: row["service"])
    }
}
