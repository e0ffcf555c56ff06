import Bytes
import HTTP

/// The heads of gRPC over HTTP/2, as they are written and read.
enum GRPCHeads {
    /// What gRPC calls Request-Headers.
    static func request(
        authority: String, path: String, metadata: [(name: String, value: String)]
    ) -> RequestHead {
        var head = RequestHead()
        head.version = .http2
        head.method = .post
        head.methodRange = head.fields.store("POST".utf8.span)
        head.authorityRange = head.fields.store(authority.utf8.span)
        head.pathRange = head.fields.store(path.utf8.span)
        head.framing = .chunked
        append("te", "trailers", to: &head.fields)
        append("content-type", "application/grpc", to: &head.fields)
        append("user-agent", "pointsman", to: &head.fields)
        for (name, value) in metadata { append(name, value, to: &head.fields) }
        return head
    }

    /// The head before the first message.
    static func response() -> ResponseHead {
        var head = ResponseHead()
        head.version = .http2
        head.status = 200
        append("content-type", "application/grpc", to: &head.fields)
        return head
    }

    /// What gRPC calls Trailers-Only: an answer without messages.
    static func response(_ status: GRPCStatus) -> ResponseHead {
        var head = response()
        append(status, to: &head.fields)
        return head
    }

    /// An answer to what is not a gRPC call.
    static func refusal(_ httpStatus: UInt16) -> ResponseHead {
        var head = ResponseHead()
        head.version = .http2
        head.status = httpStatus
        return head
    }

    static func trailers(_ status: GRPCStatus) -> Fields {
        var fields = Fields()
        append(status, to: &fields)
        return fields
    }

    /// The status that a head or trailers carry; `nil` when they carry none.
    static func status(in fields: borrowing Fields) -> GRPCStatus? {
        guard let index = fields.firstIndex(named: "grpc-status".utf8.span) else { return nil }
        let code = GRPCStatus.Code(parsing: fields.value(at: index))
        guard let message = fields.firstIndex(named: "grpc-message".utf8.span) else {
            return GRPCStatus(code)
        }
        return GRPCStatus(code, percentEncoded: fields.value(at: message))
    }

    /// Who the caller says that it is; of several, the first.
    static func authorization(in fields: borrowing Fields) -> String? {
        guard let index = fields.firstIndex(named: "authorization".utf8.span) else { return nil }
        return String(fields.value(at: index))
    }

    /// Whether `content-type` is gRPC's.
    static func isGRPC(_ fields: borrowing Fields) -> Bool {
        guard let index = fields.firstIndex(named: "content-type".utf8.span) else { return false }
        return GRPCFraming.isContentType(fields.value(at: index))
    }

    /// Whether messages may come compressed, which we do not take.
    static func isCompressed(_ fields: borrowing Fields) -> Bool {
        guard let index = fields.firstIndex(named: "grpc-encoding".utf8.span) else { return false }
        return !fields.value(at: index).equals("identity")
    }

    private static func append(_ status: GRPCStatus, to fields: inout Fields) {
        append("grpc-status", "\(status.code.rawValue)", to: &fields)
        let message = status.percentEncodedMessage
        if !message.isEmpty {
            fields.append(name: "grpc-message".utf8.span, value: message.span)
        }
    }

    private static func append(_ name: String, _ value: String, to fields: inout Fields) {
        fields.append(name: name.utf8.span, value: value.utf8.span)
    }
}
