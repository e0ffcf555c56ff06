import FoundationEssentials
import GRDB

/// The mesh's authority in the store's file; every change is one transaction.
final class AuthorityStore {
    /// Most certificates that are listed; the oldest go first, and nothing hangs on the list.
    static let issuedLimit = 20_000
    /// Most events that are kept.
    static let eventLimit = 10_000
    /// After so many certificates what is beyond the limit is removed.
    private static let pruneInterval: Int64 = 100

    private let store: SQLiteStore

    init(_ store: SQLiteStore) {
        self.store = store
    }

    func foundation() throws(StoreError) -> AuthorityFoundation? {
        let row = try store.run { try Row.fetchOne($0, sql: "SELECT * FROM authority") }
        return row.map {
            AuthorityFoundation(
                trustDomain: $0["trust_domain"], salt: $0.bytes("salt"),
                check: $0.bytes("key_check"))
        }
    }

    /// All authorities in the order in which they were made.
    func authorities() throws(StoreError) -> [AuthorityRecord] {
        let rows = try store.run {
            try Row.fetchAll($0, sql: "SELECT * FROM authorities ORDER BY id")
        }
        var records: [AuthorityRecord] = []
        for row in rows {
            guard let record = AuthorityRecord(row) else {
                throw .damaged(reason: "an authority of an unknown kind or stage")
            }
            records.append(record)
        }
        return records
    }

    /// Keeps what a mesh begins with.
    func found(
        _ foundation: AuthorityFoundation, _ records: [AuthorityRecord], _ event: AuthorityEvent
    ) throws(StoreError) {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO authority (one, trust_domain, salt, key_check) VALUES (1, ?, ?, ?)
                    """,
                arguments: [
                    foundation.trustDomain, Data(foundation.salt), Data(foundation.check),
                ])
            for record in records { try Self.put(record, into: database) }
            try Self.insert(event, into: database)
        }
    }

    /// Makes the authorities those that are given, and notes what was done.
    func replace(
        with records: [AuthorityRecord], _ events: [AuthorityEvent]
    ) throws(StoreError) {
        try transaction { database in
            let kept = records.map { "\($0.id)" }.joined(separator: ",")
            try database.execute(sql: "DELETE FROM authorities WHERE id NOT IN (\(kept))")
            for record in records { try Self.put(record, into: database) }
            for event in events { try Self.insert(event, into: database) }
        }
    }

    /// Keeps that a certificate was issued, and takes one use of the token that it was issued for.
    ///
    /// - Returns: Whether the token had one left; nothing is kept otherwise.
    func issue(_ record: IssuedRecord, token: String?) throws(StoreError) -> Bool {
        var isAllowed = true
        try transaction { database in
            if let token {
                try database.execute(
                    sql: """
                        UPDATE bootstrap_tokens SET uses_left = uses_left - 1
                        WHERE id = ? AND uses_left > 0 AND expires_at > ?
                        """, arguments: [token, record.issuedAt])
                isAllowed = database.changesCount == 1
                if !isAllowed { return }
            }
            try database.execute(
                sql: """
                    INSERT INTO issued_certificates
                    (serial, identity, issuer, ground, address, issued_at, not_after)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    record.serial, record.identity, record.issuer, record.ground.rawValue,
                    record.address, record.issuedAt, record.notAfter,
                ])
            let place = database.lastInsertedRowID
            try database.execute(
                sql: "UPDATE authorities SET last_end = MAX(last_end, ?) WHERE id = ?",
                arguments: [record.notAfter, record.issuer])
            if place % Self.pruneInterval == 0 {
                try database.execute(
                    sql: "DELETE FROM issued_certificates WHERE place <= ?",
                    arguments: [place - Int64(Self.issuedLimit)])
            }
        }
        return isAllowed
    }

    /// At most `limit` certificates, the latest first.
    func issued(
        before place: Int64, limit: Int
    ) throws(StoreError) -> [(place: Int64, record: IssuedRecord)] {
        let rows = try store.run { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM issued_certificates WHERE place < ? ORDER BY place DESC LIMIT ?
                    """, arguments: [place, limit])
        }
        return rows.compactMap { row in IssuedRecord(row).map { (row["place"], $0) } }
    }

    /// Removes what has ended: certificates and tokens that nobody could use any more.
    func prune(at time: Int64) throws(StoreError) {
        try transaction { database in
            try database.execute(
                sql: "DELETE FROM issued_certificates WHERE not_after <= ?", arguments: [time])
            try database.execute(
                sql: "DELETE FROM bootstrap_tokens WHERE expires_at <= ?", arguments: [time])
        }
    }

    func token(_ id: String) throws(StoreError) -> TokenRecord? {
        let row = try store.run { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM bootstrap_tokens WHERE id = ?", arguments: [id])
        }
        return row.map { TokenRecord($0) }
    }

    /// All tokens, the latest first.
    func tokens() throws(StoreError) -> [TokenRecord] {
        let rows = try store.run { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM bootstrap_tokens ORDER BY made_at DESC, id")
        }
        return rows.map { TokenRecord($0) }
    }

    func add(_ token: TokenRecord, _ event: AuthorityEvent) throws(StoreError) {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO bootstrap_tokens
                    (id, digest, identity, made_at, made_by, expires_at, uses, uses_left)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    token.id, Data(token.digest), token.identity, token.madeAt, token.madeBy,
                    token.expiresAt, token.uses, token.usesLeft,
                ])
            try Self.insert(event, into: database)
        }
    }

    /// - Returns: Whether the token was there.
    func removeToken(_ id: String, _ event: AuthorityEvent) throws(StoreError) -> Bool {
        var isFound = false
        try transaction { database in
            try database.execute(
                sql: "DELETE FROM bootstrap_tokens WHERE id = ?", arguments: [id])
            isFound = database.changesCount == 1
            if isFound { try Self.insert(event, into: database) }
        }
        return isFound
    }

    /// At most `limit` events, the latest first.
    func events(limit: Int) throws(StoreError) -> [AuthorityEvent] {
        let rows = try store.run { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM authority_events ORDER BY place DESC LIMIT ?",
                arguments: [limit])
        }
        return rows.map { AuthorityEvent(at: $0["at"], who: $0["who"], what: $0["what"]) }
    }

    private func transaction(_ body: (Database) throws -> Void) throws(StoreError) {
        try store.run { database in
            try database.inTransaction(.immediate) {
                try body(database)
                return .commit
            }
        }
    }

    private static func put(_ record: AuthorityRecord, into database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO authorities
                (id, kind, parent, stage, certificate, sealed_key, made_at, ready_at, last_end)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                record.id, record.kind.rawValue, record.parent, record.stage.rawValue,
                record.certificate, record.sealedKey.map { Data($0) }, record.madeAt,
                record.readyAt,
                record.lastEnd,
            ])
    }

    private static func insert(_ event: AuthorityEvent, into database: Database) throws {
        try database.execute(
            sql: "INSERT INTO authority_events (at, who, what) VALUES (?, ?, ?)",
            arguments: [event.at, event.who, event.what])
        try database.execute(
            sql: "DELETE FROM authority_events WHERE place <= ?",
            arguments: [database.lastInsertedRowID - Int64(eventLimit)])
    }
}

extension SQLiteStore {
    /// The tables of the authority; its private keys are sealed before they come here.
    static let authorityTables = """
        CREATE TABLE authority (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            trust_domain TEXT NOT NULL,
            salt BLOB NOT NULL,
            key_check BLOB NOT NULL
        ) STRICT;
        CREATE TABLE authorities (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            parent INTEGER,
            stage TEXT NOT NULL,
            certificate TEXT NOT NULL,
            sealed_key BLOB,
            made_at INTEGER NOT NULL,
            ready_at INTEGER,
            last_end INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE bootstrap_tokens (
            id TEXT PRIMARY KEY,
            digest BLOB NOT NULL,
            identity TEXT NOT NULL,
            made_at INTEGER NOT NULL,
            made_by TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            uses INTEGER NOT NULL,
            uses_left INTEGER NOT NULL CHECK (uses_left >= 0)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE issued_certificates (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            serial TEXT NOT NULL,
            identity TEXT NOT NULL,
            issuer INTEGER NOT NULL,
            ground TEXT NOT NULL,
            address TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            not_after INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX issued_certificates_end ON issued_certificates (not_after);
        CREATE TABLE authority_events (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            who TEXT NOT NULL,
            what TEXT NOT NULL
        ) STRICT;
        """
}

extension Row {
    fileprivate func bytes(_ column: String) -> [UInt8] {
        let data: Data = self[column]
        return [UInt8](data)
    }
}

extension AuthorityRecord {
    fileprivate init?(_ row: Row) {
        guard let kind = Kind(rawValue: row["kind"]), let stage = Stage(rawValue: row["stage"])
        else { return nil }
        let key: Data? = row["sealed_key"]
        self.init(
            id: row["id"], kind: kind, parent: row["parent"], stage: stage,
            certificate: row["certificate"], sealedKey: key.map { [UInt8]($0) },
            madeAt: row["made_at"], readyAt: row["ready_at"], lastEnd: row["last_end"])
    }
}

extension TokenRecord {
    fileprivate init(_ row: Row) {
        self.init(
            id: row["id"], digest: row.bytes("digest"), identity: row["identity"],
            madeAt: row["made_at"], madeBy: row["made_by"], expiresAt: row["expires_at"],
            uses: row["uses"], usesLeft: row["uses_left"])
    }
}

extension IssuedRecord {
    fileprivate init?(_ row: Row) {
        guard let ground = Ground(rawValue: row["ground"]) else { return nil }
        self.init(
            serial: row["serial"], identity: row["identity"], issuer: row["issuer"],
            ground: ground, address: row["address"], issuedAt: row["issued_at"],
            notAfter: row["not_after"])
    }
}
