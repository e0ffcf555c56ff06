/// What the control plane says when it refuses a request (RFC 9457 §3).
public struct Problem: Error, Equatable, Sendable {
    public var status: UInt16
    public var title: String
    public var detail: String?
    /// Which fields are wrong and why.
    public var faults: [Fault]
    /// Which of several things that were sent is meant; `nil` where there is only one.
    public var subject: String?

    public struct Fault: Equatable, Sendable {
        /// Where the field stands: `routes[1].split`.
        public var path: String
        public var reason: String
    }

    /// Reads the body of an answer that is not a success, whatever it is.
    public init(status: UInt16, body: [UInt8]) {
        let document = JSONValue(json: body)
        self.status = status
        title = document?["title"]?.text ?? Self.reason(status)
        detail = document?["detail"]?.text
        faults = (document?["errors"]?.elements ?? []).map { fault in
            Fault(
                path: fault["path"]?.text ?? fault["pointer"]?.text ?? "",
                reason: fault["reason"]?.text ?? fault["detail"]?.text ?? fault.plainText)
        }
        if let path = document?["path"]?.text, !path.isEmpty, faults.isEmpty {
            faults = [Fault(path: path, reason: detail ?? title)]
            detail = nil
        }
    }

    /// Whether the same thing was changed by someone else meanwhile (RFC 9110 §13.1.1, §15.5.10).
    public var isConflict: Bool { status == 409 || status == 412 }

    /// The detail, which says more than a title that is only the name of the status.
    var message: String {
        let text = detail ?? title
        return subject.map { "\($0): \(text)" } ?? text
    }

    /// The wrong fields that the message does not name already.
    var details: [String] {
        faults.map { $0.path.isEmpty ? $0.reason : "\($0.path): \($0.reason)" }
            .filter { $0 != detail }
    }

    var hint: String? {
        if status == 400, faults.contains(where: { $0.path == "route" }) {
            return "name one with --route NAME"
        }
        return switch status {
        case 401, 403: "give the token with --token-file FILE or POINTSMAN_TOKEN"
        case 404: "see what there is with 'pointsman get services' or 'pointsman get revisions'"
        case 409, 412: "somebody changed it meanwhile; look at it again and repeat the command"
        case 503, 500: "see what ails it with 'pointsman check'"
        default: nil
        }
    }

    private static func reason(_ status: UInt16) -> String {
        switch status {
        case 400: "the control plane could not read the request"
        case 401: "the control plane wants a token"
        case 403: "the token does not allow this"
        case 404: "there is no such thing"
        case 409, 412: "the change conflicts with another one"
        case 413: "the request is too large"
        case 422: "the control plane refused the document"
        default: "the control plane answered with status \(status)"
        }
    }
}
