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
        @_lifetime(borrow self)
        get {
            let start = Int(range.offset)
            return bytes.span.extracting(start..<start + Int(range.count))
        }
    }
}

/// A hash over bytes that come one after the other (FNV-1a), within a scope such as a virtual host.
struct RunningHash {
    private(set) var value: UInt64

    init(scope: UInt32) {
        value = 0xCBF2_9CE4_8422_2325 ^ UInt64(scope) &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func add(_ bytes: Span<UInt8>) {
        for index in bytes.indices {
            value = (value ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3
        }
    }

    /// Adds the bytes with ASCII letters in lower case.
    mutating func addLowercased(_ bytes: Span<UInt8>) {
        for index in bytes.indices {
            value = (value ^ UInt64(bytes[index].asciiLowercased)) &* 0x0000_0100_0000_01B3
        }
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
        with value: UInt32, hash: RunningHash, scope: UInt32, key: TextRange, text: Text
    ) -> UInt32? {
        var position = start(hash)
        while slots[position].value != UInt32.max {
            let slot = slots[position]
            if slot.hash == hash.value, slot.scope == scope, text[slot.key].equals(text[key]) {
                slots[position].value = value
                return slot.value
            }
            position = (position + 1) & (slots.count - 1)
        }
        slots[position] = Slot(hash: hash.value, key: key, scope: scope, value: value)
        isEmpty = false
        return nil
    }

    /// The value of a key whose bytes are `key`, compared as they are.
    func find(
        _ key: Span<UInt8>, hash: RunningHash, scope: UInt32, text: borrowing Text
    ) -> UInt32? {
        var position = start(hash)
        while slots[position].value != UInt32.max {
            let slot = slots[position]
            if slot.hash == hash.value, slot.scope == scope, text[slot.key].equals(key) {
                return slot.value
            }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    /// The value of a key in lower case whose letters `key` has in either case.
    func findIgnoringCase(
        _ key: Span<UInt8>, hash: RunningHash, scope: UInt32, text: borrowing Text
    ) -> UInt32? {
        var position = start(hash)
        while slots[position].value != UInt32.max {
            let slot = slots[position]
            if slot.hash == hash.value, slot.scope == scope,
                text[slot.key].equalsIgnoringCase(key)
            {
                return slot.value
            }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    private func start(_ hash: RunningHash) -> Int {
        Int(truncatingIfNeeded: hash.value ^ (hash.value &>> 32)) & (slots.count - 1)
    }
}
