import Bytes
import HTTP
import Mesh

/// What makes a request belong to the same user, as the hash policies of its route say.
public struct StickyKey: Sendable {
    public static let none = StickyKey()

    /// Also what a ring of endpoints hashes by; `nil` when no policy found anything.
    public internal(set) var hash: UInt64?
    /// The policies whose cookie was missing and must be set by the response, one bit for each.
    var generated: UInt64 = 0
    /// What the generated cookies are made from.
    var freshID: UInt64 = 0

    /// Whether the response must set a cookie: ``RouteTable/appendCookie(of:key:to:)``.
    public var needsCookie: Bool { generated != 0 }
}

extension CompiledRoutes {
    /// Evaluates the hash policies of the route in their order, as Envoy combines them.
    func stickyKey(
        of route: RouteNumber, head: borrowing RequestHead, source: Span<UInt8>, freshID: UInt64
    ) -> StickyKey {
        var key = StickyKey()
        let policies = routes[Int(route.value)].hashPolicies
        for index in policies {
            let policy = hashPolicies[Int(index)]
            var found: UInt64?
            switch policy.source {
            case .field: found = fieldHash(text[policy.name], head)
            case .cookie: found = head.fields.cookieHash(text[policy.name])
            case .sourceAddress: found = source.isEmpty ? nil : xxHash64(source)
            case .queryParameter:
                let target = head.path
                if let range = target.queryParameter(text[policy.name]) {
                    found = xxHash64(target.extracting(range))
                }
            }
            if found == nil, policy.isGenerated {
                let bit = UInt64(index - policies.lowerBound)
                key.generated |= 1 &<< bit
                key.freshID = freshID
                found = FreshCookie(freshID, bit).hash
            }
            if let found {
                let old = key.hash ?? 0
                key.hash = (old &<< 1 | old &>> 63) ^ found
            }
            if policy.isTerminal, key.hash != nil { break }
        }
        return key
    }

    /// Appends the value of the next `Set-Cookie` field and takes it off the key.
    func appendCookie(of route: RouteNumber, key: inout StickyKey, to buffer: inout Buffer) {
        let policies = routes[Int(route.value)].hashPolicies
        let bit = key.generated.trailingZeroBitCount
        if bit >= policies.count { return }
        key.generated &= key.generated &- 1
        let policy = hashPolicies[Int(policies.lowerBound) + bit]
        buffer.append(text[policy.name])
        buffer.append(UInt8(ascii: "="))
        let cookie = FreshCookie(key.freshID, UInt64(bit))
        for position in 0..<16 { buffer.append(cookie.digit(position)) }
        buffer.append(text[policy.attributes])
    }

    private func fieldHash(_ name: Span<UInt8>, _ head: borrowing RequestHead) -> UInt64? {
        guard let first = head.fields.firstIndex(named: name) else { return nil }
        var hash = xxHash64(head.fields.value(at: first))
        var index = first + 1
        while index < head.fields.count {
            // A sum does not depend on the order of the values.
            if head.fields.name(at: index).equalsIgnoringCase(name) {
                hash &+= xxHash64(head.fields.value(at: index))
            }
            index += 1
        }
        return hash
    }
}

/// The value of a generated cookie: sixteen hexadecimal digits.
private struct FreshCookie {
    let value: UInt64

    init(_ freshID: UInt64, _ ordinal: UInt64) {
        value = random(freshID, ordinal)
    }

    func digit(_ position: Int) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: value &>> UInt64(60 &- position &* 4)) & 15
        return digit < 10 ? digit + 0x30 : digit + 0x57
    }

    /// The hash that the cookie has when it comes back.
    var hash: UInt64 {
        let digits = InlineArray<16, UInt8> { digit($0) }
        return xxHash64(digits.span)
    }
}

extension Fields {
    /// The hash of the first cookie of that name (RFC 6265 §4.2.1); `nil` when it is missing or
    /// empty.
    fileprivate func cookieHash(_ name: Span<UInt8>) -> UInt64? {
        for index in indices where self[index].known == .cookie {
            let pairs = value(at: index)
            if let range = pairs.cookie(name) {
                return range.isEmpty ? nil : xxHash64(pairs.extracting(range))
            }
        }
        return nil
    }
}

extension Span where Element == UInt8 {
    /// Where the value of the first cookie called `name` stands, without spaces and quotes.
    fileprivate func cookie(_ name: Span<UInt8>) -> Range<Int>? {
        var start = 0
        while start < count {
            var end = start
            var equals = -1
            while end < count, self[end] != UInt8(ascii: ";") {
                if equals < 0, self[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            if equals >= 0 {
                let found = trimmed(start..<equals)
                if extracting(found).equals(name) { return unquoted(trimmed(equals + 1..<end)) }
            }
            start = end + 1
        }
        return nil
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }

    private func unquoted(_ range: Range<Int>) -> Range<Int> {
        let quote = UInt8(ascii: "\"")
        guard range.count >= 2, self[range.lowerBound] == quote,
            self[range.upperBound - 1] == quote
        else { return range }
        return range.lowerBound + 1..<range.upperBound - 1
    }
}
