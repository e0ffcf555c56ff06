import Bytes
import HTTP
import Mesh
import RegularExpressions

extension CompiledRoutes {
    func appendRewrittenPath(
        of route: RouteNumber, head: borrowing RequestHead, to buffer: inout Buffer
    ) -> Bool {
        let record = routes[Int(route.value)]
        switch record.pathRewrite {
        case .none:
            return false
        case .prefix(let replacement):
            appendPath(
                head.path, of: tests[Int(route.value)].path, prefix: text[replacement], to: &buffer)
        case .regex(let number):
            rewrites[Int(number)].append(head.path, to: &buffer)
        }
        return true
    }

    func appendRewrittenAuthority(
        of route: RouteNumber, destination: Destination, head: borrowing RequestHead,
        to buffer: inout Buffer
    ) -> Bool {
        if let literal = entries[Int(destination.entry)].hostRewrite {
            buffer.append(text[literal])
            return true
        }
        switch routes[Int(route.value)].hostRewrite {
        case .none:
            return false
        case .literal(let literal):
            buffer.append(text[literal])
            return true
        case .field(let name):
            guard let index = head.fields.firstIndex(named: text[name]) else { return false }
            let value = head.fields.value(at: index)
            buffer.append(value)
            return !value.isEmpty
        }
    }

    func appendLocation(
        of route: RouteNumber, head: borrowing RequestHead, surroundings: RouteTable.Surroundings,
        to buffer: inout Buffer
    ) {
        let record = routes[Int(route.value)]
        if record.redirect < 0 { return }
        let redirect = redirects[Int(record.redirect)]
        let requestScheme = text[surroundings.isSecure ? words.https : words.http]
        let scheme = if let scheme = redirect.scheme { text[scheme] } else { requestScheme }
        buffer.append(scheme)
        buffer.append("://")
        if let host = redirect.host {
            buffer.append(text[host])
        } else {
            let isSameScheme = scheme.equals(requestScheme)
            let keepsPort =
                redirect.port == nil
                && (isSameScheme
                    || !head.authority.hasDefaultPort(isSecure: surroundings.isSecure))
            buffer.append(keepsPort ? head.authority : head.authority.withoutPort)
        }
        if let port = redirect.port {
            buffer.append(UInt8(ascii: ":"))
            buffer.append(decimal: UInt64(port))
        }
        appendPath(
            of: redirect, matchedBy: tests[Int(route.value)].path, target: head.path, to: &buffer)
    }

    private func appendPath(
        of redirect: RedirectRecord, matchedBy path: PathTest, target: Span<UInt8>,
        to buffer: inout Buffer
    ) {
        // What the configuration brings itself is kept; only the request's query is stripped.
        let request = redirect.stripsQuery ? target.withoutQuery : target
        switch redirect.path {
        case .keep:
            if request.isEmpty || request[0] != UInt8(ascii: "/") {
                buffer.append(UInt8(ascii: "/"))
            }
            buffer.append(request)
        case .replace(let replacement, let hasQuery):
            let replacement = text[replacement]
            if replacement.isEmpty || replacement[0] != UInt8(ascii: "/") {
                buffer.append(UInt8(ascii: "/"))
            }
            buffer.append(replacement)
            if !hasQuery {
                buffer.append(request.extracting(request.withoutQuery.count..<request.count))
            }
        case .prefix(let replacement):
            appendPath(request, of: path, prefix: text[replacement], to: &buffer)
        case .regex(let number):
            rewrites[Int(number)].append(request, to: &buffer)
        }
    }

    /// Appends `target` with what the path matcher matched replaced by `prefix`.
    ///
    /// An expression matched the whole path. The result begins with `/`, as a request target must.
    private func appendPath(
        _ target: Span<UInt8>, of path: PathTest, prefix: Span<UInt8>, to buffer: inout Buffer
    ) {
        let matched =
            switch path.kind {
            case .regex, .exact: target.withoutQuery.count
            case .prefix, .separatedPrefix: min(Int(path.text.count), target.count)
            }
        let rest = target.extracting(matched..<target.count)
        let first = prefix.isEmpty ? (rest.isEmpty ? 0 : rest[0]) : prefix[0]
        if first != UInt8(ascii: "/") { buffer.append(UInt8(ascii: "/")) }
        buffer.append(prefix)
        buffer.append(rest)
    }
}

extension RegexRewrite {
    /// Appends `target` with every match in its path replaced; the query stays.
    ///
    /// A path that would grow beyond all bounds stays as it is.
    fileprivate func append(_ target: Span<UInt8>, to buffer: inout Buffer) {
        let path = target.withoutQuery
        guard let rewritten = pattern.replacingMatches(in: path, with: substitution) else {
            buffer.append(target)
            return
        }
        if rewritten.first != UInt8(ascii: "/") { buffer.append(UInt8(ascii: "/")) }
        buffer.append(rewritten.span)
        buffer.append(target.extracting(path.count..<target.count))
    }
}

extension Span where Element == UInt8 {
    /// Whether an authority names the port that its scheme has anyway.
    fileprivate func hasDefaultPort(isSecure: Bool) -> Bool {
        let port = extracting(withoutPort.count..<count)
        return isSecure ? port.equals(":443") : port.equals(":80")
    }
}
