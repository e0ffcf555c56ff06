import Bytes

/// A run of bytes in a ``Text``.
struct TextRange: Sendable {
    var offset: UInt32
    var count: UInt32

    static let empty = TextRange(offset: 0, count: 0)
}

/// The bytes of all names, paths and values of a table, so that its records stay trivial.
struct Text: Sendable {
    private var bytes: [UInt8] = []

    /// Stores `text`; a configuration is far smaller than the 4 GiB that a range can reach.
    mutating func store(_ text: [UInt8]) -> TextRange {
        let range = TextRange(
            offset: UInt32(clamping: bytes.count), count: UInt32(clamping: text.count))
        bytes.append(contentsOf: text)
        return range
    }

    mutating func store(_ text: String) -> TextRange { store(Array(text.utf8)) }

    subscript(range: TextRange) -> Span<UInt8> {
        @_lifetime(borrow self) @inline(__always)
        get { bytes.span.part(at: Int(range.offset), count: Int(range.count)) }
    }
}

/// Hashes prefixes of a text that grow, within a scope such as a virtual host.
///
/// Whole words of eight bytes are taken in once; what is left behind them only counts for one
/// value.
struct PrefixHash {
    private var state: UInt64
    private var taken = 0

    init(scope: UInt32) {
        state = UInt64(scope) &* 0x9E37_79B9_7F4A_7C15
    }

    /// The hash of the first `length` bytes of `text`, which is the same text in all calls.
    @inline(__always)
    mutating func value(of text: Span<UInt8>, length: Int) -> UInt64 {
        while taken &+ 8 <= length {
            state = Self.folded(state ^ text.word(at: taken), 0xA076_1D64_78BD_642F)
            taken &+= 8
        }
        let rest = text.word(at: taken, count: length &- taken)
        return Self.folded(state ^ rest, UInt64(length) ^ 0xE703_7ED1_A0B4_28DB)
    }

    /// The same over the text with ASCII letters in lower case.
    @inline(__always)
    static func lowercased(_ text: Span<UInt8>, scope: UInt32) -> UInt64 {
        var hash = PrefixHash(scope: scope)
        while hash.taken &+ 8 <= text.count {
            let word = text.word(at: hash.taken).asciiLowercased
            hash.state = folded(hash.state ^ word, 0xA076_1D64_78BD_642F)
            hash.taken &+= 8
        }
        let rest = text.word(at: hash.taken, count: text.count &- hash.taken).asciiLowercased
        return folded(hash.state ^ rest, UInt64(text.count) ^ 0xE703_7ED1_A0B4_28DB)
    }

    private static func folded(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let product = one.multipliedFullWidth(by: other)
        return product.high ^ product.low
    }
}

/// Finds numbers by scope and bytes without allocating: open addressing, at most half full.
struct ByteTable: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        var key = TextRange.empty
        var scope: UInt32 = 0
        /// `UInt32.max` when the slot is free.
        var value = UInt32.max
    }

    private var slots: [Slot]
    private(set) var isEmpty = true

    /// Makes a table with room for `count` keys.
    init(count: Int) {
        var capacity = 2
        while capacity < count * 2 { capacity *= 2 }
        slots = Array(repeating: Slot(), count: capacity)
    }

    /// Gives `key` a value; at most as many keys as there was room made for.
    ///
    /// - Returns: The value that it had before.
    @discardableResult
    mutating func replace(
        with value: UInt32, hash: UInt64, scope: UInt32, key: TextRange, text: Text
    ) -> UInt32? {
        var position = start(hash)
        while slots[position].value != UInt32.max {
            let slot = slots[position]
            if slot.hash == hash, slot.scope == scope, text[slot.key].equals(text[key]) {
                slots[position].value = value
                return slot.value
            }
            position = (position &+ 1) & (slots.count &- 1)
        }
        slots[position] = Slot(hash: hash, key: key, scope: scope, value: value)
        isEmpty = false
        return nil
    }

    /// The value of a key whose bytes are `key`, compared as they are.
    @inline(__always)
    func find(
        _ key: Span<UInt8>, hash: UInt64, scope: UInt32, text: borrowing Text
    ) -> UInt32? {
        var position = start(hash)
        while slots[position].value != UInt32.max {
            let slot = slots[position]
            if slot.hash == hash, slot.scope == scope, text[slot.key].equals(key) {
                return slot.value
            }
            position = (position &+ 1) & (slots.count &- 1)
        }
        return nil
    }

    /// The value of a key in lower case whose letters `key` has in either case.
    @inline(__always)
    func findIgnoringCase(
        _ key: Span<UInt8>, hash: UInt64, scope: UInt32, text: borrowing Text
    ) -> UInt32? {
        var position = start(hash)
        while slots[position].value != UInt32.max {
            let slot = slots[position]
            if slot.hash == hash, slot.scope == scope,
                text[slot.key].equalsIgnoringCase(key)
            {
                return slot.value
            }
            position = (position &+ 1) & (slots.count &- 1)
        }
        return nil
    }

    private func start(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    }
}
