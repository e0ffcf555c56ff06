extension API {
    func revisions(_ request: APIRequest) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["limit", "before"])
        let limit = Int(try query.number("limit", in: 1...1000, standard: 100))
        let end = ledger.world.revision + 1
        let before = try query.number("before", in: 0...999_999_999_999_999_999, standard: end)
        do {
            let revisions = try ledger.revisions(before: before, limit: limit + 1)
            let items = revisions.prefix(limit).map { RevisionDocument($0) }
            let next = revisions.count > limit ? items.last?.number : nil
            return try APIReply(PageDocument(items: items, next: next))
        } catch let error as StoreError {
            throw Problem(error)
        } catch let error as Problem {
            throw error
        } catch {
            throw Problem(500, "\(error)")
        }
    }

    func revision(_ request: APIRequest, _ number: UInt64?) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        let number = number ?? ledger.world.revision
        let found: (Revision, [Difference])?
        do {
            found = try ledger.revision(number)
        } catch {
            throw Problem(error)
        }
        guard let (revision, differences) = found else { throw Problem(.noRevision) }
        var document = RevisionDocument(revision)
        document.diff = differences
        document.inEffect = CoverageDocument(fleet.coverage(of: number))
        return try APIReply(document)
    }

    func restore(_ request: APIRequest, _ number: UInt64, who: String) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["dryRun", "reason"])
        var reason: String?
        if !request.body.isEmpty {
            reason = try json(RestoreDocument.self, in: request).reason
        }
        // What a restore changes is all there is, as the list of services has it.
        try Preconditions(request).check(EntityTag(revision: ledger.world.revision))
        var author = try author(request, query, who: who, reason: reason)
        if author.why.isEmpty { author.why = "restore revision \(number)" }
        return try change(.restore(number), request, query, author: author)
    }

    /// Makes a change, tells those who must know, and answers what it did.
    func change(
        _ edit: Ledger.Edit, _ request: APIRequest, _ query: Query, author: Ledger.Author,
        status: UInt16 = 200
    ) throws(Problem) -> APIReply {
        let isDryRun = try query.flag("dryRun")
        let change: Ledger.Change
        let revision: Revision?
        do {
            (change, revision) = try ledger.apply(edit, by: author, isDryRun: isDryRun)
        } catch {
            throw Problem(error)
        }
        if let revision {
            events.append("revision", RevisionDocument(revision))
            onRevision(ledger.world, revision)
        }
        var fields: [APIReply.Field] = [
            .init(name: "pointsman-revision", value: "\(change.revision)")
        ]
        if let name = revision?.service, let entry = ledger.world.services[name] {
            fields.append(.init(name: "etag", value: EntityTag(revision: entry.changedAt).text))
        }
        return try APIReply(
            ChangeDocument(change, isDryRun: isDryRun), status: isDryRun ? 200 : status,
            fields: fields)
    }

    /// Who makes a change and why: the query's `reason`, else the body's, else the field's.
    func author(
        _ request: APIRequest, _ query: Query, who: String, reason: String? = nil
    ) throws(Problem) -> Ledger.Author {
        let reasons = [query["reason"], reason, request.field("x-pointsman-reason")]
            .compactMap { $0 }
        if reasons.contains(where: { $0.utf8.count > Self.reasonLimit }) {
            throw .query("reason", "is longer than \(Self.reasonLimit) bytes")
        }
        // The store would keep what stands before it.
        if reasons.contains(where: { $0.utf8.contains(0) }) {
            throw .query("reason", "contains a NUL")
        }
        return Ledger.Author(who: who, why: reasons.first ?? "")
    }

    /// Reads the body, which must be JSON.
    func json<Document: Decodable>(
        _ type: Document.Type, in request: APIRequest
    ) throws(Problem) -> Document {
        let media = (request.field("content-type") ?? "").split(separator: ";").first ?? ""
        let trimmed = media.filter { $0 != " " && $0 != "\t" }.lowercased()
        if trimmed != "application/json" {
            throw Problem(415, "the body must be application/json")
        }
        do {
            return try decodeDocument(type, from: request.body)
        } catch {
            throw Problem(error)
        }
    }

    func tagged(_ tag: EntityTag) -> [APIReply.Field] {
        [.init(name: "etag", value: tag.text)]
    }

    func notModified(_ tag: EntityTag) -> APIReply {
        APIReply(status: 304, fields: tagged(tag))
    }
}
