import Mesh

/// Why a request was refused, as the client is told (RFC 9457 §3).
struct Problem: Error {
    let status: UInt16
    let detail: String
    let errors: [FieldError]
    var fields: [APIReply.Field] = []

    init(_ status: UInt16, _ detail: String, errors: [FieldError] = []) {
        self.status = status
        self.detail = detail
        self.errors = errors
    }

    /// The document is JSON, and wrong in meaning.
    init(_ error: MeshError) {
        self.init(
            422, error.description, errors: [FieldError(path: error.path, reason: error.reason)])
    }

    init(_ error: DocumentError) {
        switch error {
        case .malformed(let error):
            let subject = error.path.isEmpty ? "the body" : error.path
            self.init(400, "\(subject) \(error.reason)", errors: [error])
        case .wrongShape(let errors):
            let first = errors.first.map { "\($0.path): \($0.reason)" } ?? "the body is wrong"
            self.init(422, first, errors: errors)
        }
    }

    init(_ error: StoreError) {
        switch error {
        case .full: self.init(507, error.reason)
        case .readOnly, .inUse, .damaged, .newerSchema, .failed: self.init(503, error.reason)
        }
        if status == 503 { fields = [.init(name: "retry-after", value: "5")] }
    }

    init(_ failure: Ledger.Failure) {
        switch failure {
        case .invalid(let error): self.init(error)
        case .noRevision: self.init(404, "there is no such revision, or not any more")
        case .tooManyServices:
            self.init(422, "there are \(World.serviceLimit) services, which is the most")
        case .store(let error): self.init(error)
        }
    }

    /// A parameter of the query is wrong.
    static func query(_ name: String, _ reason: String) -> Problem {
        Problem(400, "\(name): \(reason)", errors: [FieldError(path: name, reason: reason)])
    }

    var title: String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: "Internal Server Error"
        }
    }

    var reply: APIReply {
        let body = ProblemBody(
            type: "about:blank", title: title, status: status, detail: detail, errors: errors)
        return APIReply(
            status: status,
            fields: [.init(name: "content-type", value: "application/problem+json")] + fields,
            body: (try? encodeJSON(body)) ?? [])
    }
}

private struct ProblemBody: Encodable {
    let type: String
    let title: String
    let status: UInt16
    let detail: String
    let errors: [FieldError]
}
