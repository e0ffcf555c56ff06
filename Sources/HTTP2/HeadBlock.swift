import Bytes
import HTTP

/// A head until its event is drained.
final class HeadBlock {
    var request = RequestHead()
    var response = ResponseHead()
    var trailers = Fields()
    /// By the count of RFC 9113 §6.5.2.
    var byteCount = 0

    /// Makes the block empty and keeps its memory, unless a peer made it grow large.
    func reset() {
        request.removeAll()
        response.removeAll()
        trailers.removeAll()
        request.fields.releaseIfLarge()
        response.fields.releaseIfLarge()
        trailers.releaseIfLarge()
        byteCount = 0
    }
}

/// A field section while it is decoded.
struct FieldSection: ~Copyable {
    private var fields = Fields()
    /// Whether `:status` came, which tells a late response head from trailers.
    private(set) var hasStatus = false
    /// By the count of RFC 9113 §6.5.2: 32 more than name and value for each field.
    private(set) var byteCount = 0
    private var fieldCount = 0
    private var cookieCount = 0
    private var status: UInt16 = 0
    private var methodRange = ByteRange.empty
    private var pathRange = ByteRange.empty
    private var authorityRange = ByteRange.empty
    private var contentLength: UInt64?
    private var protocolRange: ByteRange?
    private var scheme: Scheme?
    private var hasKnownScheme = true

    /// Takes one decoded field.
    ///
    /// - Returns: Whether the section is still within the limits.
    mutating func append(
        name: Span<UInt8>, value: Span<UInt8>, limits: SessionLimits
    ) -> Bool {
        byteCount += name.count + value.count + 32
        fieldCount += 1
        if byteCount > limits.headByteCount || fieldCount > limits.fieldCount { return false }
        if name.count > 0, name[0] == UInt8(ascii: ":") {
            appendPseudo(name: name, value: value)
            return true
        }
        fields.append(name: name, value: value)
        switch fields[fields.count - 1].known {
        case .cookie: cookieCount += 1
        case .contentLength: contentLength = parseContentLength(value)
        // Whom the client is, its handshake says, and not the client (as Envoy's SANITIZE).
        case .xForwardedClientCert: fields.markHopByHop(at: fields.count - 1)
        default: break
        }
        return true
    }

    /// Makes a request of what was decoded, which takes the section's fields and gives it its own.
    ///
    /// - Returns: Whether Host, where there is one, agrees with `:authority`, the scheme is one
    ///   that is served here (RFC 9113 §8.3.1), and no length is told of a tunnel
    ///   (RFC 9110 §9.3.6).
    mutating func finish(_ request: inout RequestHead, endsStream: Bool) -> Bool {
        if !hasKnownScheme { return false }
        if let protocolRange, protocolRange.isEmpty || contentLength != nil { return false }
        joinCookies()
        guard let authority = agreedAuthority() else { return false }
        request.removeAll()
        swap(&request.fields, &fields)
        request.version = .http2
        request.scheme = scheme
        request.method = Method(request.fields.bytes(methodRange))
        request.methodRange = methodRange
        request.pathRange = pathRange
        request.authorityRange = authority
        request.framing = framing(endsStream: endsStream)
        if endsStream, contentLength != nil || request.method.expectsContent {
            request.framing = .length(0)
        }
        if let protocolRange { request.readConnect(to: protocolRange) }
        if let index = request.fields.firstIndex(of: .expect) {
            request.expectsContinue = request.fields.value(at: index)
                .equalsIgnoringCase("100-continue")
        }
        return true
    }

    /// Makes a response of what was decoded, as ``finish(_:endsStream:)`` does.
    mutating func finish(_ response: inout ResponseHead, endsStream: Bool) {
        response.removeAll()
        swap(&response.fields, &fields)
        response.version = .http2
        response.status = status
        response.framing = framing(endsStream: endsStream)
    }

    /// Makes trailers of what was decoded, as ``finish(_:endsStream:)`` does.
    mutating func finish(_ trailers: inout Fields) {
        trailers.removeAll()
        swap(&trailers, &fields)
    }

    /// Makes the section empty and keeps its memory.
    mutating func reset() {
        fields.removeAll()
        hasStatus = false
        byteCount = 0
        fieldCount = 0
        cookieCount = 0
        status = 0
        methodRange = .empty
        pathRange = .empty
        authorityRange = .empty
        contentLength = nil
        protocolRange = nil
        scheme = nil
        hasKnownScheme = true
    }

    private mutating func appendPseudo(name: Span<UInt8>, value: Span<UInt8>) {
        if name.equals(":method") {
            methodRange = fields.store(value)
        } else if name.equals(":path") {
            pathRange = fields.store(value)
        } else if name.equals(":authority") {
            authorityRange = fields.store(value)
        } else if name.equals(":protocol") {
            protocolRange = fields.store(value)
        } else if name.equals(":scheme") {
            scheme =
                value.equalsIgnoringCase("https")
                ? .https : value.equalsIgnoringCase("http") ? .http : nil
            hasKnownScheme = scheme != nil
        } else if name.equals(":status") {
            hasStatus = true
            for index in value.indices where value[index].isASCIIDigit && value.count == 3 {
                status = status * 10 + UInt16(value[index] - 0x30)
            }
        }
    }

    private func framing(endsStream: Bool) -> BodyFraming {
        if endsStream { return .none }
        // HTTP/2 delimits the body itself; towards HTTP/1 that is what chunks do.
        return if let contentLength { .length(contentLength) } else { .chunked }
    }

    private func agreedAuthority() -> ByteRange? {
        guard let host = fields.firstIndex(of: .host) else { return authorityRange }
        for index in (host + 1)..<max(fields.count, host + 1)
        where fields[index].known == .host { return nil }
        if authorityRange.isEmpty { return fields[host].value }
        let agree = fields.bytes(authorityRange).equalsIgnoringCase(fields.value(at: host))
        return agree ? authorityRange : nil
    }

    /// Makes one field of cookie crumbs, as HTTP/1 and policies expect it (RFC 9113 §8.2.3).
    private mutating func joinCookies() {
        guard cookieCount > 1, let first = fields.firstIndex(of: .cookie) else { return }
        var joined: [UInt8] = []
        for index in fields.indices where fields[index].known == .cookie {
            if index != first {
                joined.append(UInt8(ascii: ";"))
                joined.append(UInt8(ascii: " "))
            }
            joined.append(fields.value(at: index))
        }
        for index in fields.indices.reversed() where fields[index].known == .cookie {
            fields.remove(at: index)
        }
        fields.append(name: "cookie".utf8.span, value: joined.span)
    }

    /// nghttp2 has checked the digits, and later counts the body against them.
    private func parseContentLength(_ value: Span<UInt8>) -> UInt64? {
        var length: UInt64 = 0
        for index in value.indices {
            let (product, tooLarge) = length.multipliedReportingOverflow(by: 10)
            guard value[index].isASCIIDigit, !tooLarge else { return nil }
            let (sum, overflow) = product.addingReportingOverflow(UInt64(value[index] - 0x30))
            if overflow { return nil }
            length = sum
        }
        return length
    }
}

extension RequestHead {
    /// Reads extended CONNECT as what it is over HTTP/1.1 (RFC 8441 §5).
    fileprivate mutating func readConnect(to name: ByteRange) {
        method = .get
        methodRange = fields.store("GET".utf8.span)
        fields.append(name: fields.store("upgrade".utf8.span), value: name, known: .upgrade)
        framing = .none
        asksForUpgrade = true
    }
}

extension Fields {
    /// Most bytes of memory that a block keeps for its next head.
    private static var keptByteCount: Int { 16 * 1024 }

    fileprivate mutating func releaseIfLarge() {
        if arena.capacity > Self.keptByteCount { release() }
    }
}
