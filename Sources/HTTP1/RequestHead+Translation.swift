import Bytes
public import HTTP

extension RequestHead {
    /// Checks by the rules of HTTP/1.1 what came in another version, so that it can be written as
    /// HTTP/1.1 and no reader takes it for something else (RFC 9113 §10.3).
    ///
    /// Names and values of fields are the codec's to check.
    ///
    /// - Throws: ``ParseError``, as if the request had come in HTTP/1.1.
    public func checkTranslation() throws(ParseError) {
        guard !methodBytes.isEmpty, methodBytes.prefixCount(in: .token) == methodBytes.count else {
            throw .methodInvalid
        }
        if authority.isEmpty { throw .hostMissing }
        guard let authority = Authority.read(authority) else { throw .hostInvalid }
        try checkTarget(authority)
        let hasNoContent = method == .connect || method == .trace
        if hasNoContent, framing.hasBody { throw .contentForbidden }
        for index in fields.indices where fields[index].known == .expect {
            let isKnown = fields.value(at: index).equalsIgnoringCase("100-continue")
            if !isKnown { throw .expectationUnknown }
        }
    }

    private func checkTarget(_ authority: Authority) throws(ParseError) {
        if method == .connect {
            if !authority.hasPort { throw .targetInvalid }
            return
        }
        if path.isEmpty { throw .targetInvalid }
        switch try RequestTarget(path, method: method) {
        case .origin, .asterisk: return
        case .absolute, .authority: throw .targetInvalid
        }
    }
}
