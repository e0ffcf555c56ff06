import EventLoop
import HTTP
import Transport

/// The API over HTTP/1.1.
final class APIServer: HTTPHandler {
    private let api: API

    init(_ api: API) {
        self.api = api
    }

    func server(_ server: HTTPServer, didReceive request: HTTPRequest, reply: HTTPReply) {
        switch api.respond(to: APIRequest(request)) {
        case .reply(let answer):
            reply.send(
                status: answer.status, fields: answer.fields.map { ($0.name, $0.value) },
                body: answer.body)
        case .follow(let last): follow(reply, after: last)
        }
    }

    func server(_ server: HTTPServer, explanationOf status: UInt16) -> HTTPExplanation? {
        let reply = Problem(status, Self.explanation(of: status, server.limits)).reply
        return HTTPExplanation(
            contentType: reply.value(of: "content-type") ?? "", body: reply.body)
    }

    private static func explanation(of status: UInt16, _ limits: HTTPServerLimits) -> String {
        switch status {
        case 408: "the request took too long"
        case 413: "the body is longer than \(limits.bodyByteCount) bytes"
        case 414: "the path and query are too long"
        case 417: "the only expectation that is met is 100-continue"
        case 431: "the head is too large"
        case 501: "this is not spoken here"
        case 505: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        default: "this is not a request of HTTP/1.1"
        }
    }

    private func follow(_ reply: HTTPReply, after last: String?) {
        let stream = EventStream(reply)
        let events = api.events
        reply.onClose = { events.unfollow(stream) }
        reply.beginStream(
            status: 200,
            fields: [("content-type", "text/event-stream"), ("cache-control", "no-store")])
        events.follow(stream, after: last, greeting: api.applied)
    }
}

/// One follower of the events; too slow a reader is cut off by the server's limit.
private final class EventStream: EventSink {
    private let reply: HTTPReply

    init(_ reply: HTTPReply) {
        self.reply = reply
    }

    func deliver(_ events: [UInt8]) -> Bool { reply.write(events) }
}

extension APIRequest {
    fileprivate init(_ request: HTTPRequest) {
        method = request.methodText
        path = request.path
        query = request.query ?? ""
        fields = request.fields
        body = request.body
    }
}

extension API {
    /// How far the current revision has come.
    var applied: AppliedDocument {
        AppliedDocument(fleet.coverage(of: ledger.world.revision))
    }
}
