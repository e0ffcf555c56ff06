/// The bits of an IP address; an IPv4 address that is written as an IPv6 one counts as IPv4
/// (RFC 4291 §2.5.5.2).
public struct AddressBits: Equatable, Sendable {
    let isVersion4: Bool
    /// An IPv4 address stands in the upper half of this one, and the other one is zero.
    let high: UInt64
    let low: UInt64

    /// Reads an address in text; `nil` when it is none.
    public init?(parsing text: String) {
        if isIPv4(Substring(text)) {
            self.init(v4: Self.v4(Substring(text)))
            return
        }
        guard isIPv6(Substring(text)) else { return nil }
        let (high, low) = Self.v6(text)
        if high == 0, low >> 32 == 0xFFFF {
            self.init(v4: low & 0xFFFF_FFFF)
        } else {
            self.init(isVersion4: false, high: high, low: low)
        }
    }

    private init(v4 address: UInt64) {
        self.init(isVersion4: true, high: address << 32, low: 0)
    }

    private init(isVersion4: Bool, high: UInt64, low: UInt64) {
        self.isVersion4 = isVersion4
        self.high = high
        self.low = low
    }

    /// The same with every bit behind the first `count` ones cleared.
    func prefix(_ count: Int) -> AddressBits {
        AddressBits(
            isVersion4: isVersion4,
            // Shifts beyond the width of a word leave nothing of it.
            high: high & ~(UInt64.max >> UInt64(min(count, 64))),
            low: low & ~(UInt64.max >> UInt64(max(count - 64, 0))))
    }

    /// The text has been found to be four numbers.
    private static func v4(_ text: Substring) -> UInt64 {
        text.split(separator: ".").reduce(0) { $0 << 8 | (UInt64($1) ?? 0) }
    }

    /// The text has been found to be groups, perhaps with `::` and with IPv4 at the end.
    private static func v6(_ text: String) -> (high: UInt64, low: UInt64) {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false).map(groups)
        let last = halves.count > 1 ? halves[1] : []
        let zeros = Array(
            repeating: UInt64(0), count: max(0, 8 - halves[0].count - last.count))
        let all = halves[0] + zeros + last
        return (
            all.prefix(4).reduce(0) { $0 << 16 | $1 }, all.dropFirst(4).reduce(0) { $0 << 16 | $1 }
        )
    }

    private static func groups(_ half: Substring) -> [UInt64] {
        half.split(separator: ":").flatMap { group in
            if !group.contains(".") { return [UInt64(group, radix: 16) ?? 0] }
            let address = v4(group)
            return [address >> 16, address & 0xFFFF]
        }
    }
}

/// What addresses of a range begin with.
public struct AddressPrefix: Equatable, Sendable {
    private let bits: AddressBits
    private let count: Int

    init(_ bits: AddressBits, count: Int) {
        self.bits = bits.prefix(count)
        self.count = count
    }

    public func begins(_ address: AddressBits) -> Bool {
        address.prefix(count) == bits
    }
}

/// Addresses that begin with the same bits: `envoy.config.core.v3.CidrRange`.
public struct AddressRange: Equatable, Sendable {
    /// As it was written.
    public let address: String
    public let prefixLength: UInt32
    public let prefix: AddressPrefix

    /// Makes a range.
    ///
    /// - Throws: ``MeshError`` when the text is no address, or the prefix is longer than it.
    public init(address: String, prefixLength: UInt32) throws(MeshError) {
        guard let bits = AddressBits(parsing: address) else {
            throw MeshError("address_prefix", "\"\(address)\" is not an IP address")
        }
        let isWrittenAsIPv4 = !address.contains(":")
        let longest: UInt32 = isWrittenAsIPv4 ? 32 : 128
        if prefixLength > longest {
            throw MeshError("prefix_len", "must be at most \(longest)")
        }
        var bitCount = Int(prefixLength)
        if bits.isVersion4, !isWrittenAsIPv4 {
            if prefixLength < 96 {
                throw MeshError("prefix_len", "must be at least 96 for an IPv4 address")
            }
            bitCount -= 96
        }
        self.address = address
        self.prefixLength = prefixLength
        prefix = AddressPrefix(bits, count: bitCount)
    }
}
