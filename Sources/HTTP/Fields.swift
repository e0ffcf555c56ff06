public import Bytes

/// A run of bytes in the arena of a head.
@frozen public struct ByteRange: BitwiseCopyable, Equatable, Sendable {
    public var offset: UInt32
    public var count: UInt32

    public static let empty = ByteRange(offset: 0, count: 0)

    @inlinable
    public init(offset: UInt32, count: UInt32) {
        self.offset = offset
        self.count = count
    }

    @inlinable public var isEmpty: Bool { count == 0 }
    /// The first offset behind the range.
    @inlinable public var end: Int { Int(offset) &+ Int(count) }
}

/// One field of a head: where its name and its value stand in the arena.
@frozen public struct Field: BitwiseCopyable, Sendable {
    /// What a writer looks at, in one byte.
    @frozen public struct Traits: OptionSet, BitwiseCopyable, Sendable {
        public let rawValue: UInt8

        @inlinable
        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// The field speaks of one connection only and is never forwarded: by its name, or because
        /// `Connection` names it (RFC 9110 §7.6.1).
        @inlinable public static var hopByHop: Traits { Traits(rawValue: 1) }

        /// Host and Content-Length, which a sender writes from what was understood.
        @inlinable public static var written: Traits { Traits(rawValue: 2) }

        /// The arena holds the field as a line of HTTP/1, just as it would be written anew: name,
        /// colon, one space, value, CRLF.
        @inlinable public static var line: Traits { Traits(rawValue: 4) }
    }

    public var name: ByteRange
    public var value: ByteRange
    public var known: FieldName
    public var traits: Traits

    @inlinable @inline(__always)
    public init(name: ByteRange, value: ByteRange, known: FieldName, isLine: Bool = false) {
        self.name = name
        self.value = value
        self.known = known
        traits = isLine ? .line : []
        if known != .other {
            if known.isHopByHop { traits.insert(.hopByHop) }
            if known == .host || known == .contentLength { traits.insert(.written) }
        }
    }

    /// Whether the field is never forwarded.
    @inlinable public var isHopByHop: Bool { traits.contains(.hopByHop) }

    /// Whether the field is forwarded as it is.
    @inlinable public var isEndToEnd: Bool { traits.isDisjoint(with: [.hopByHop, .written]) }
}

/// The fields of a head in their order, over one arena of bytes that the head owns.
///
/// A parser copies the head into the arena whole and points into it; another codec, or a policy,
/// appends name and value. Memory is kept from one message to the next.
@frozen public struct Fields: ~Copyable {
    /// The arena; ranges of fields and of the head's own parts point into it.
    public var arena = Buffer()
    @usableFromInline var entries = Slots<Field>()

    @inlinable
    public init() {}

    @inlinable public var count: Int { entries.count }
    @inlinable public var indices: Range<Int> { entries.indices }

    @inlinable
    public subscript(index: Int) -> Field { entries[index] }

    /// The bytes of `range` in the arena.
    @inlinable @inline(__always)
    @_lifetime(borrow self)
    public func bytes(_ range: ByteRange) -> Span<UInt8> {
        arena.bytes.part(at: Int(range.offset), count: Int(range.count))
    }

    @inlinable @inline(__always)
    @_lifetime(borrow self)
    public func name(at index: Int) -> Span<UInt8> { bytes(entries[index].name) }

    @inlinable @inline(__always)
    @_lifetime(borrow self)
    public func value(at index: Int) -> Span<UInt8> { bytes(entries[index].value) }

    /// The first field of that name; `nil` when there is none.
    @inlinable
    public func firstIndex(of known: FieldName) -> Int? {
        for index in entries.indices where entries[index].known == known { return index }
        return nil
    }

    /// The first field whose name is `name` in letters of either case; `nil` when there is none.
    ///
    /// One that is withheld is not there.
    public func firstIndex(named name: Span<UInt8>) -> Int? {
        for index in entries.indices
        where Int(entries[index].name.count) == name.count
            && bytes(entries[index].name).equalsIgnoringCase(name) && !isWithheld(at: index)
        {
            return index
        }
        return nil
    }

    /// Whether nobody is to see the field, since only a proxy may say what it says.
    public func isWithheld(at index: Int) -> Bool {
        entries[index].known == .xForwardedClientCert && entries[index].isHopByHop
    }

    /// Lets the field be seen and forwarded that was withheld.
    public mutating func letPass(at index: Int) {
        entries[index].traits.remove(.hopByHop)
    }

    /// Adds a field whose bytes stand in the arena already.
    @inlinable
    public mutating func append(_ field: Field) {
        entries.append(field)
    }

    /// Adds a field whose bytes stand in the arena already.
    @inlinable
    public mutating func append(name: ByteRange, value: ByteRange, known: FieldName) {
        append(Field(name: name, value: value, known: known))
    }

    /// Keeps the field from being forwarded, as `Connection` asks for, or because nobody but the
    /// proxy may say what it says.
    public mutating func markHopByHop(at index: Int) {
        entries[index].traits.insert(.hopByHop)
    }

    /// Adds a field and copies its bytes into the arena, as a line of HTTP/1.
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let offset = UInt32(clamping: arena.count)
        let count = UInt32(clamping: name.count)
        arena.appendLine(name: name, value: value)
        append(
            Field(
                name: ByteRange(offset: offset, count: count),
                value: ByteRange(
                    offset: offset &+ count &+ 2, count: UInt32(clamping: value.count)),
                known: FieldName(name), isLine: true))
    }

    /// Adds a field and copies its bytes into the arena.
    public mutating func append(_ name: StaticString, value: Span<UInt8>) {
        let name = store(name)
        append(name: name, value: store(value), known: FieldName(bytes(name)))
    }

    /// Adds a field and copies its bytes into the arena.
    public mutating func append(_ name: StaticString, _ value: StaticString) {
        let name = store(name)
        append(name: name, value: store(value), known: FieldName(bytes(name)))
    }

    /// Adds a field and copies its bytes into the arena.
    public mutating func append(_ name: StaticString, value: borrowing Buffer) {
        append(name, value: value.bytes)
    }

    /// Copies what `buffer` holds into the arena and tells where it stands.
    public mutating func store(_ buffer: borrowing Buffer) -> ByteRange {
        store(buffer.bytes)
    }

    /// Copies `bytes` into the arena and tells where they stand.
    public mutating func store(_ bytes: Span<UInt8>) -> ByteRange {
        let range = ByteRange(
            offset: UInt32(clamping: arena.count), count: UInt32(clamping: bytes.count))
        arena.append(bytes)
        return range
    }

    private mutating func store(_ text: StaticString) -> ByteRange {
        let range = ByteRange(
            offset: UInt32(clamping: arena.count), count: UInt32(clamping: text.utf8CodeUnitCount))
        arena.append(text)
        return range
    }

    public mutating func remove(at index: Int) {
        entries.remove(at: index)
    }

    /// Drops all fields and bytes and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        arena.removeAll()
        entries.removeAll()
    }

    /// Drops all fields and bytes and gives the memory back.
    public mutating func release() {
        arena.release()
        entries.release()
    }
}
