import Bytes
import HTTP

extension CompiledRoutes {
    /// Whether all conditions of a route hold but that on the path, which is checked before.
    @inline(__always)
    func isMet(
        _ route: UInt32, _ head: borrowing RequestHead, _ surroundings: RouteTable.Surroundings
    ) -> Bool {
        tests[Int(route)].isPathOnly || hasAll(of: tests[Int(route)], head, surroundings)
    }

    /// The same for a route that has other conditions, as few have.
    @inline(never)
    private func hasAll(
        of test: RouteTest, _ head: borrowing RequestHead, _ surroundings: RouteTable.Surroundings
    ) -> Bool {
        if test.isGRPC, !head.isGRPC { return false }
        for index in test.fields
        where !isMet(conditions.fields[Int(index)], head, surroundings) {
            return false
        }
        for index in test.queries where !isMet(conditions.queries[Int(index)], head.path) {
            return false
        }
        return true
    }

    private func isMet(
        _ condition: FieldTest, _ head: borrowing RequestHead,
        _ surroundings: RouteTable.Surroundings
    ) -> Bool {
        switch condition.subject {
        case .method:
            return isMet(condition, head.methodBytes, isThere: true)
        case .authority:
            return isMet(condition, head.authority, isThere: !head.authority.isEmpty)
        case .path:
            return isMet(condition, head.path, isThere: !head.path.isEmpty)
        case .scheme:
            let scheme = text[surroundings.isSecure ? words.https : words.http]
            return isMet(condition, scheme, isThere: true)
        case .nothing:
            return isMet(condition, Span(), isThere: false)
        case .field:
            let name = text[condition.name]
            var found: ByteRange?
            for index in head.fields.indices {
                let field = head.fields[index]
                if Int(field.name.count) != name.count { continue }
                if !head.fields.bytes(field.name).equalsIgnoringCase(name) { continue }
                if head.fields.isWithheld(at: index) { continue }
                if found != nil {
                    let joined = head.fields.joinedValues(named: name)
                    return isMet(condition, joined.span, isThere: true)
                }
                found = field.value
            }
            guard let found else { return isMet(condition, Span(), isThere: false) }
            return isMet(condition, head.fields.bytes(found), isThere: true)
        }
    }

    private func isMet(_ condition: FieldTest, _ value: Span<UInt8>, isThere: Bool) -> Bool {
        let isThere = isThere || condition.treatsMissingAsEmpty
        if let presence = condition.presence {
            return (isThere == presence) != condition.isInverted
        }
        if !isThere { return false }
        return conditions.isMet(condition.test, by: value, text: text) != condition.isInverted
    }

    private func isMet(_ condition: QueryTest, _ target: Span<UInt8>) -> Bool {
        let value = target.queryParameter(text[condition.name])
        if let presence = condition.presence { return (value != nil) == presence }
        guard let value else { return false }
        return conditions.isMet(condition.test, by: target.extracting(value), text: text)
    }
}

extension Fields {
    /// The values of all fields of that name with `,` between them, as Envoy looks at them.
    fileprivate func joinedValues(named name: Span<UInt8>) -> [UInt8] {
        var joined: [UInt8] = []
        var isFirst = true
        for index in indices
        where self.name(at: index).equalsIgnoringCase(name) && !isWithheld(at: index) {
            if !isFirst { joined.append(UInt8(ascii: ",")) }
            isFirst = false
            let value = value(at: index)
            for position in value.indices { joined.append(value[position]) }
        }
        return joined
    }
}

extension Span where Element == UInt8 {
    /// Where the value of the first query parameter called `name` stands; nothing is decoded.
    ///
    /// A parameter without `=` has an empty value.
    func queryParameter(_ name: Span<UInt8>) -> Range<Int>? {
        guard let mark = firstIndex(of: UInt8(ascii: "?")) else { return nil }
        var start = mark + 1
        while start < count {
            var end = start
            var equals = -1
            while end < count, self[end] != UInt8(ascii: "&"), self[end] != UInt8(ascii: "#") {
                if equals < 0, self[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            let nameEnd = equals < 0 ? end : equals
            if extracting(start..<nameEnd).equals(name) {
                return equals < 0 ? end..<end : equals + 1..<end
            }
            if end < count, self[end] == UInt8(ascii: "#") { return nil }
            start = end + 1
        }
        return nil
    }
}
