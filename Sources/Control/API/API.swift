import Mesh

/// The REST API: a request in, an answer out, and what has changed is kept and told.
///
/// It knows no sockets; whoever drives it writes the answers.
final class API {
    /// What to do with a request.
    enum Outcome {
        case reply(APIReply)
        /// Events are to be sent as they happen, those after `last` at once.
        case follow(last: String?)
    }

    /// The longest reason of a change in bytes.
    static let reasonLimit = 1000

    let ledger: Ledger
    let fleet: Fleet
    let events: EventLog
    let tokens: Tokens?
    /// `nil` for a mesh without.
    let authority: MeshAuthority?
    let programVersion: String
    /// Told of every new revision, when it is kept and before it is answered.
    var onRevision: (World, Revision) -> Void = { _, _ in }
    /// Told why a request was not served that was right, for the operator.
    var onTrouble: (String) -> Void = { _ in }
    /// By status.
    private(set) var replyCounts: [UInt16: UInt64] = [:]

    init(
        ledger: Ledger, fleet: Fleet, events: EventLog, tokens: Tokens?,
        authority: MeshAuthority? = nil, programVersion: String
    ) {
        self.ledger = ledger
        self.fleet = fleet
        self.events = events
        self.tokens = tokens
        self.authority = authority
        self.programVersion = programVersion
    }

    /// Does what a request asks for.
    func respond(to request: APIRequest) -> Outcome {
        let outcome = answer(request)
        if case .reply(let reply) = outcome { replyCounts[reply.status, default: 0] += 1 }
        return outcome
    }

    private func answer(_ request: APIRequest) -> Outcome {
        do throws(Problem) {
            let resource = try APIResource(path: request.path)
            if tokens == nil, !resource.isOpen { try Origin.check(request) }
            var who = "anonymous"
            if let tokens, !resource.isOpen {
                guard let name = tokens.name(authorization: request.field("authorization")) else {
                    throw .unauthorized
                }
                who = name
            } else if let user = request.field("x-pointsman-user"), !user.isEmpty {
                if user.utf8.count > 128 { throw Problem(400, "X-Pointsman-User is too long") }
                who = printable(user)
            }
            if !resource.methods.contains(request.method) {
                throw .methodNotAllowed(resource.methods)
            }
            if request.body.count > APIRequest.bodyLimit {
                throw Problem(413, "the body is longer than \(APIRequest.bodyLimit) bytes")
            }
            if case .events = resource { return try follow(request) }
            return .reply(try dispatch(request, to: resource, who: who))
        } catch {
            if error.status >= 500 {
                onTrouble("\(request.method) \(request.path): \(error.status) \(error.detail)")
            }
            return .reply(error.reply)
        }
    }

    private func dispatch(
        _ request: APIRequest, to resource: APIResource, who: String
    ) throws(Problem) -> APIReply {
        switch resource {
        case .services: return try services(request)
        case .service(let name):
            return switch request.method {
            case "PUT": try putService(request, name, who: who)
            case "DELETE": try deleteService(request, name, who: who)
            default: try service(request, name)
            }
        case .split(let name):
            return request.method == "PUT"
                ? try putSplit(request, name, who: who) : try split(request, name)
        case .proxies: return try proxies(request)
        case .revisions: return try revisions(request)
        case .revision(let number): return try revision(request, number)
        case .restore(let number): return try restore(request, number, who: who)
        case .identity: return try identity(request)
        case .roots: return try roots(request)
        case .issued: return try issued(request)
        case .tokens:
            return request.method == "POST"
                ? try makeToken(request, who: who) : try tokens(request)
        case .token(let id): return try removeToken(request, id, who: who)
        case .rotation: return try rotate(request, who: who)
        case .authorityEvents: return try authorityEvents(request)
        case .version: return try version(request)
        case .health: return try health(request)
        case .ready: return try health(request)
        case .metrics: return try metrics(request)
        case .openAPI: return try openAPI(request)
        case .events: return APIReply()
        }
    }

    private func follow(_ request: APIRequest) throws(Problem) -> Outcome {
        let query = try Query(request.query, known: ["lastEventId"])
        if request.method == "HEAD" {
            return .reply(
                APIReply(fields: [.init(name: "content-type", value: "text/event-stream")]))
        }
        if events.followerCount >= EventLog.followerLimit {
            throw Problem(503, "\(EventLog.followerLimit) clients follow the events already")
        }
        return .follow(last: request.field("last-event-id") ?? query["lastEventId"])
    }
}

extension Problem {
    fileprivate static var unauthorized: Problem {
        var problem = Problem(401, "a bearer token of the token file is needed")
        problem.fields = [.init(name: "www-authenticate", value: "Bearer")]
        return problem
    }

    fileprivate static func methodNotAllowed(_ methods: [String]) -> Problem {
        let list = methods.joined(separator: ", ")
        var problem = Problem(405, "this takes \(list)")
        problem.fields = [.init(name: "allow", value: list)]
        return problem
    }
}
