import Bytes
import HTTP

/// What the fields of a head say together about the message and its connection.
///
/// It is read once, when the head is complete; a contradiction is an error and never a choice.
struct MessageFields {
    enum TransferEncoding {
        case absent
        case chunked
    }

    private(set) var contentLength: UInt64?
    private(set) var transferEncoding = TransferEncoding.absent
    private(set) var hostIndex: Int?
    private(set) var closes = false
    private(set) var keepsAlive = false
    private(set) var expectsContinue = false
    /// Whether `Connection` names `Upgrade`.
    private(set) var namesUpgrade = false
    private var optionCount = 0

    /// Reads `fields`, and marks those that `Connection` names as hop-by-hop.
    @inline(__always)
    init(reading fields: inout Fields) throws(ParseError) {
        var namesFields = false
        for index in fields.indices {
            switch fields[index].known {
            case .contentLength: try readContentLength(fields.value(at: index))
            case .transferEncoding: try readTransferEncoding(fields.value(at: index))
            case .connection:
                if try readConnection(fields.value(at: index)) { namesFields = true }
            case .expect: try readExpectation(fields.value(at: index))
            case .host:
                if hostIndex != nil { throw .hostRepeated }
                hostIndex = index
            // Whom the client is, its handshake says, and not the client (as Envoy's SANITIZE).
            case .xForwardedClientCert: fields.markHopByHop(at: index)
            case .other, .cookie, .date, .http2Settings, .keepAlive, .proxyConnection, .te,
                .trailer, .upgrade, .xForwardedFor, .xRequestID:
                continue
            }
        }
        if namesFields { markNamedFields(&fields) }
        if contentLength != nil, transferEncoding == .chunked {
            throw .contentLengthBesideTransferEncoding
        }
    }

    private mutating func readContentLength(_ value: Span<UInt8>) throws(ParseError) {
        if contentLength != nil { throw .contentLengthRepeated }
        contentLength = try parseContentLength(value)
    }

    /// Takes exactly one `chunked`, which is the only coding we undo (RFC 9112 §6.1, §7).
    private mutating func readTransferEncoding(_ value: Span<UInt8>) throws(ParseError) {
        if transferEncoding == .chunked { throw .transferEncodingInvalid }
        guard value.equalsIgnoringCase("chunked") else {
            throw try MessageFields.transferEncodingError(value)
        }
        transferEncoding = .chunked
    }

    /// Unknown codings in front of a final `chunked` leave the end clear; nothing else does.
    private static func transferEncodingError(_ value: Span<UInt8>) throws(ParseError) -> ParseError
    {
        var list = FieldList()
        var chunkedCount = 0
        var isChunkedFinal = false
        while let member = list.next(in: value) {
            let coding = value.extracting(member)
            guard !coding.isEmpty, coding.prefixCount(in: .token) == coding.count else {
                throw .transferEncodingInvalid
            }
            isChunkedFinal = coding.equalsIgnoringCase("chunked")
            if isChunkedFinal { chunkedCount += 1 }
        }
        return isChunkedFinal && chunkedCount == 1
            ? .transferCodingUnknown : .transferEncodingInvalid
    }

    private mutating func readExpectation(_ value: Span<UInt8>) throws(ParseError) {
        guard value.equalsIgnoringCase("100-continue") else { throw .expectationUnknown }
        expectsContinue = true
    }

    /// Reads the options of one Connection field.
    ///
    /// - Returns: Whether one of them may be the name of another field.
    private mutating func readConnection(_ value: Span<UInt8>) throws(ParseError) -> Bool {
        let mostOptions = 32
        var namesFields = false
        var list = FieldList()
        while let member = list.next(in: value) {
            let option = value.extracting(member)
            if option.isEmpty { continue }
            optionCount += 1
            if optionCount > mostOptions { throw .connectionOptionsTooMany }
            if option.equalsIgnoringCase("close") {
                closes = true
            } else if option.equalsIgnoringCase("keep-alive") {
                keepsAlive = true
            } else if option.equalsIgnoringCase("upgrade") {
                namesUpgrade = true
            } else {
                guard option.prefixCount(in: .token) == option.count else {
                    throw .connectionOptionInvalid
                }
                if isForbiddenOption(option) { throw .connectionOptionForbidden }
                namesFields = true
            }
        }
        return namesFields
    }

    private func markNamedFields(_ fields: inout Fields) {
        for named in fields.indices where !fields[named].isHopByHop {
            if MessageFields.isNamedByConnection(named, fields) {
                fields.markHopByHop(at: named)
            }
        }
    }

    private static func isNamedByConnection(_ named: Int, _ fields: borrowing Fields) -> Bool {
        for index in fields.indices where fields[index].known == .connection {
            let value = fields.value(at: index)
            var list = FieldList()
            while let option = list.next(in: value) {
                if value.extracting(option).equalsIgnoringCase(fields.name(at: named)) {
                    return true
                }
            }
        }
        return false
    }
}

/// Whether `Connection` names a field that is for all readers, not for the next one only.
///
/// To drop such a field at a client's word would hide from the server what routing, framing or
/// policy have relied on (RFC 9110 §7.6.1).
private func isForbiddenOption(_ option: Span<UInt8>) -> Bool {
    switch FieldName(option) {
    case .host, .contentLength, .transferEncoding, .cookie, .date, .expect, .xForwardedClientCert,
        .xForwardedFor, .xRequestID:
        return true
    case .connection, .http2Settings, .keepAlive, .proxyConnection, .te, .trailer, .upgrade:
        return false
    case .other:
        break
    }
    return option.equalsIgnoringCase("authorization")
        || option.equalsIgnoringCase("proxy-authorization")
        || option.equalsIgnoringCase("cache-control")
        || option.equalsIgnoringCase("set-cookie")
        || option.equalsIgnoringCase("forwarded")
        || option.equalsIgnoringCase("traceparent")
        || startsIgnoringCase(option, "content-")
        || startsIgnoringCase(option, "x-forwarded-")
        || startsIgnoringCase(option, "x-envoy-")
}

private func startsIgnoringCase(_ text: Span<UInt8>, _ prefix: StaticString) -> Bool {
    text.count >= prefix.utf8CodeUnitCount
        && text.extracting(0..<prefix.utf8CodeUnitCount).equalsIgnoringCase(prefix)
}
