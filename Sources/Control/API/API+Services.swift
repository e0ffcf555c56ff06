import Mesh

extension API {
    func services(_ request: APIRequest) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["limit", "after"])
        let limit = Int(try query.number("limit", in: 1...1000, standard: 1000))
        let tag = EntityTag(revision: ledger.world.revision)
        if Preconditions(request).isKnown(tag) { return notModified(tag) }
        let after = query["after"] ?? ""
        let names = ledger.world.names.filter { $0 > after }
        let items = names.prefix(limit).compactMap { name in
            ledger.world.services[name].map {
                ServiceDocument($0.service, revision: $0.changedAt)
            }
        }
        let next = names.count > limit ? items.last?.name : nil
        return try APIReply(PageDocument(items: items, next: next), fields: tagged(tag))
    }

    func service(_ request: APIRequest, _ name: String) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        let entry = try entry(name)
        let tag = EntityTag(revision: entry.changedAt)
        if Preconditions(request).isKnown(tag) { return notModified(tag) }
        return try APIReply(
            ServiceDocument(entry.service, revision: entry.changedAt), fields: tagged(tag))
    }

    func putService(
        _ request: APIRequest, _ name: String, who: String
    ) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["dryRun", "reason"])
        let document = try json(ServiceDocument.self, in: request)
        let service: Service
        do {
            service = try document.service(named: name)
        } catch {
            throw Problem(error)
        }
        try check(request, name, revision: document.revision)
        let isNew = ledger.world.services[name] == nil
        return try change(
            .put(service), request, query, author: try author(request, query, who: who),
            status: isNew ? 201 : 200)
    }

    func deleteService(
        _ request: APIRequest, _ name: String, who: String
    ) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["dryRun", "reason"])
        _ = try entry(name)
        try check(request, name, revision: nil)
        return try change(
            .delete(name), request, query, author: try author(request, query, who: who))
    }

    func split(_ request: APIRequest, _ name: String) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["route"])
        let entry = try entry(name)
        let route = try route(query["route"], of: entry.service)
        let tag = EntityTag(revision: entry.changedAt)
        if Preconditions(request).isKnown(tag) { return notModified(tag) }
        let document = SplitDocument(
            service: name, route: route.name, weights: route.split.percentages,
            revision: entry.changedAt)
        return try APIReply(document, fields: tagged(tag))
    }

    func putSplit(_ request: APIRequest, _ name: String, who: String) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["route", "dryRun", "reason"])
        let entry = try entry(name)
        let document = try json(SplitRequestDocument.self, in: request)
        if let service = document.service, service != name {
            throw Problem(MeshError("service", "is not the name in the path, \"\(name)\""))
        }
        if let asked = query["route"], let written = document.route, asked != written {
            throw Problem(MeshError("route", "is not that of the query, \"\(asked)\""))
        }
        let route = try route(query["route"] ?? document.route, of: entry.service)
        let service: Service
        do {
            let weights = try MeshError.at("weights") { () throws(MeshError) in
                try exactWeights(document.weights)
            }
            service = try entry.service.splitting(route: route.name, by: weights)
        } catch {
            throw Problem(error)
        }
        try check(request, name, revision: document.revision)
        return try change(
            .split(service), request, query,
            author: try author(request, query, who: who, reason: document.reason))
    }

    private func entry(_ name: String) throws(Problem) -> World.Entry {
        guard let entry = ledger.world.services[name] else {
            throw Problem(404, "there is no service \"\(printable(name))\"")
        }
        return entry
    }

    private func route(_ name: String?, of service: Service) throws(Problem) -> ServiceRoute {
        let list = service.routes.map(\.name).joined(separator: ", ")
        guard let name else {
            if service.routes.count == 1 { return service.routes[0] }
            throw .query("route", "is needed, the service has several: \(list)")
        }
        guard let route = service.route(named: name) else {
            throw Problem(404, "the service has no route \"\(printable(name))\", it has: \(list)")
        }
        return route
    }

    /// Refuses a change that its author would not make, had it seen the service as it is.
    private func check(
        _ request: APIRequest, _ name: String, revision: UInt64?
    ) throws(Problem) {
        let current = ledger.world.services[name]
        try Preconditions(request).check(current.map { EntityTag(revision: $0.changedAt) })
        if let revision, revision != current?.changedAt {
            let now = current.map { "it was changed at \($0.changedAt)" } ?? "it is not there"
            throw Problem(
                412, "the service is not that of revision \(revision): \(now)",
                errors: [FieldError(path: "revision", reason: now)])
        }
    }
}
