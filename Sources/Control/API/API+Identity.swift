import Mesh

extension API {
    func identity(_ request: APIRequest) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        return try APIReply(AuthorityDocument(try certificateAuthority))
    }

    /// The roots as a file that programs read.
    func roots(_ request: APIRequest) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        return APIReply(
            fields: [.init(name: "content-type", value: "application/x-pem-file")],
            body: Array(try certificateAuthority.roots.joined().utf8))
    }

    func issued(_ request: APIRequest) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["limit", "before"])
        let limit = Int(try query.number("limit", in: 1...1000, standard: 100))
        let largest: UInt64 = 999_999_999_999_999_999
        let before = try query.number("before", in: 0...largest, standard: largest)
        let authority = try certificateAuthority
        let found: [(place: Int64, record: IssuedRecord)]
        do {
            found = try authority.store.issued(
                before: Int64(clamping: before), limit: limit + 1)
        } catch {
            throw Problem(error)
        }
        let items = found.prefix(limit).map { _, record in
            let identity = try? WorkloadIdentity(parsing: record.identity)
            return IssuedDocument(
                record, spiffeID: identity?.spiffeID(in: authority.trustDomain) ?? "")
        }
        let next = found.count > limit ? found[limit - 1].place : nil
        return try APIReply(PageDocument(items: items, next: next))
    }

    func tokens(_ request: APIRequest) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        let records: [TokenRecord]
        do {
            records = try certificateAuthority.store.tokens()
        } catch let error as StoreError {
            throw Problem(error)
        } catch let error as Problem {
            throw error
        } catch {
            throw Problem(500, "\(error)")
        }
        let items = records.prefix(1000).map { TokenDocument($0) }
        return try APIReply(PageDocument(items: items, next: Int?.none))
    }

    func makeToken(_ request: APIRequest, who: String) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        let authority = try certificateAuthority
        let document = try json(TokenRequestDocument.self, in: request)
        let lifetime = document.lifetime ?? BootstrapToken.standardLifetime
        let uses = document.uses ?? 1
        let identity: WorkloadIdentity
        do throws(MeshError) {
            identity = try WorkloadIdentity(
                namespace: document.namespace ?? WorkloadIdentity.standardNamespace,
                account: document.account)
            if identity.namespace == MeshAuthority.ownNamespace {
                throw MeshError("namespace", "is the control plane's own")
            }
            guard (1...BootstrapToken.longestLifetime).contains(lifetime) else {
                let most = BootstrapToken.longestLifetime
                throw MeshError("lifetime_seconds", "is not from 1 to \(most)")
            }
            guard (1...BootstrapToken.usesLimit).contains(uses) else {
                throw MeshError("uses", "is not from 1 to \(BootstrapToken.usesLimit)")
            }
        } catch {
            throw Problem(error)
        }
        do {
            let (record, text) = try authority.makeToken(
                for: identity, lifetime: lifetime, uses: uses, who: who)
            return try APIReply(
                TokenDocument(record, text: text), status: 201,
                fields: [.init(name: "cache-control", value: "no-store")])
        } catch let error as Problem {
            throw error
        } catch {
            throw Problem(error as? MeshAuthority.TokenFailure)
        }
    }

    func removeToken(_ request: APIRequest, _ id: String, who: String) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        do {
            if try certificateAuthority.removeToken(id, who: who) {
                return try APIReply(WithdrawnDocument(id: id))
            }
        } catch let error as StoreError {
            throw Problem(error)
        } catch let error as Problem {
            throw error
        } catch {
            throw Problem(500, "\(error)")
        }
        throw Problem(404, "there is no token \"\(printable(id))\"")
    }

    func rotate(_ request: APIRequest, who: String) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        let authority = try certificateAuthority
        let document = try json(RotationRequestDocument.self, in: request)
        do {
            _ = try authority.rotate(
                document.authority == .root ? .root : .intermediate, who: who)
        } catch let error as StoreError {
            throw Problem(error)
        } catch AuthoritySet.Failure.isRotating {
            throw Problem(409, "a new root is announced already; see /v1/identity")
        } catch {
            throw Problem(500, "\(error)")
        }
        return try APIReply(AuthorityDocument(authority))
    }

    func authorityEvents(_ request: APIRequest) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["limit"])
        let limit = Int(try query.number("limit", in: 1...1000, standard: 100))
        let authority = try certificateAuthority
        let events: [AuthorityEvent]
        do {
            events = try authority.store.events(limit: limit)
        } catch {
            throw Problem(error)
        }
        return try APIReply(
            PageDocument(items: events.map { AuthorityEventDocument($0) }, next: Int?.none))
    }

    private var certificateAuthority: MeshAuthority {
        get throws(Problem) {
            guard let authority else {
                throw Problem(
                    404, "there is no certificate authority; pointsman-control has --ca-key-file")
            }
            return authority
        }
    }
}

extension Problem {
    fileprivate init(_ failure: MeshAuthority.TokenFailure?) {
        switch failure {
        case .tooMany:
            self.init(409, "there are \(BootstrapToken.countLimit) tokens already")
        case .store(let error): self.init(error)
        case .library(let error): self.init(500, "\(error)")
        case nil: self.init(500, "no token could be made")
        }
    }
}
