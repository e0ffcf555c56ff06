/// A growable run of bytes with one owner, appended at the end and consumed from the front.
///
/// It holds no memory until something is appended, and keeps what it has until ``release()``.
/// Whoever appends bounds the size: a peer never decides it.
@safe @frozen public struct Buffer: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    /// How many bytes of memory the buffer holds.
    public private(set) var capacity = 0
    @usableFromInline var start = 0
    @usableFromInline var end = 0

    /// Makes an empty buffer that holds no memory.
    @inlinable
    public init() {
        unsafe base = nil
    }

    deinit {
        unsafe base?.deallocate()
    }

    /// How many bytes wait to be consumed.
    @inlinable public var count: Int { end &- start }

    @inlinable public var isEmpty: Bool { end == start }

    /// The bytes that wait to be consumed.
    @inlinable public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let filled = unsafe UnsafeBufferPointer(start: pointer(at: start), count: end &- start)
            return unsafe _overrideLifetime(filled.span, borrowing: self)
        }
    }

    /// How many zeros ``pad()`` puts behind the bytes.
    @inlinable public static var paddingCount: Int { 32 }

    /// Puts zeros behind the bytes, for readers that look at many bytes at a time.
    ///
    /// They do not count as bytes, and stay until the next change of the buffer.
    @inlinable
    public mutating func pad() {
        reserve(Self.paddingCount)
        guard let base = unsafe base else { return }
        let room = unsafe UnsafeMutableRawPointer(base + end)
        unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: Self.paddingCount)
    }

    /// The bytes, and behind them the zeros that ``pad()`` has put there.
    @inlinable public var padded: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            precondition(capacity &- end >= Self.paddingCount, "the buffer was not padded")
            let filled = unsafe UnsafeBufferPointer(
                start: pointer(at: start), count: end &- start &+ Self.paddingCount)
            return unsafe _overrideLifetime(filled.span, borrowing: self)
        }
    }

    /// Room behind the bytes, to be filled in place and then taken in by ``commit(_:)``.
    ///
    /// - Parameter minimum: How many bytes of room at the least.
    /// - Returns: The room, which may be larger; what it holds before it is written is undefined.
    @inlinable
    @_lifetime(&self)
    public mutating func room(minimum: Int) -> MutableSpan<UInt8> {
        reserve(minimum)
        let first = unsafe UnsafeMutablePointer<UInt8>(
            bitPattern: UInt(bitPattern: base) &+ UInt(bitPattern: end))
        let free = unsafe UnsafeMutableBufferPointer(start: first, count: capacity &- end)
        return unsafe _overrideLifetime(free.mutableSpan, mutating: &self)
    }

    /// Room for just `count` bytes behind the bytes; see ``room(minimum:)``.
    @inlinable
    @_lifetime(&self)
    public mutating func room(exactly count: Int) -> MutableSpan<UInt8> {
        precondition(count >= 0, "there is no room for less than nothing")
        reserve(count)
        let first = unsafe UnsafeMutablePointer<UInt8>(
            bitPattern: UInt(bitPattern: base) &+ UInt(bitPattern: end))
        let free = unsafe UnsafeMutableBufferPointer(start: first, count: count)
        return unsafe _overrideLifetime(free.mutableSpan, mutating: &self)
    }

    /// Takes in the first `count` bytes of the room that ``room(minimum:)`` lent.
    @inlinable
    public mutating func commit(_ count: Int) {
        precondition(count >= 0 && count <= capacity &- end, "more bytes than there was room")
        end &+= count
    }

    /// Makes sure that `count` more bytes fit without another allocation.
    @inlinable
    public mutating func reserve(_ count: Int) {
        if capacity &- end < count { makeRoom(count) }
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        put(byte)
    }

    @inlinable
    public mutating func append(_ bytes: Span<UInt8>) {
        reserve(bytes.count)
        put(bytes)
    }

    /// Appends `text`, which should be a literal: its length is then known to the compiler.
    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        put(text)
    }

    /// Appends `name`, a colon, a space, `value` and CRLF, with one look for room.
    @inlinable
    public mutating func appendLine(name: Span<UInt8>, value: Span<UInt8>) {
        reserve(name.count + value.count + 4)
        put(name)
        put(": ")
        put(value)
        put("\r\n")
    }

    /// Appends `bytes` between two literals, with one look for room.
    @inlinable @inline(__always)
    public mutating func append(
        _ before: StaticString, _ bytes: Span<UInt8>, _ behind: StaticString
    ) {
        reserve(before.utf8CodeUnitCount + bytes.count + behind.utf8CodeUnitCount)
        put(before)
        put(bytes)
        put(behind)
    }

    /// Appends the UTF-8 bytes of `text`; for configuration and messages, not for the request path.
    public mutating func append(string text: String) {
        append(text.utf8.span)
    }

    /// Appends `number` in decimal digits.
    public mutating func append(decimal number: UInt64) {
        if number < 10 {
            append(0x30 &+ UInt8(truncatingIfNeeded: number))
        } else {
            append(number, radix: 10, longest: 20)
        }
    }

    /// Appends `number`, which is below 1000, in three decimal digits.
    @inlinable
    public mutating func append(threeDigits number: UInt16) {
        precondition(number < 1000, "three digits hold no more")
        reserve(3)
        put(0x30 &+ UInt8(truncatingIfNeeded: number / 100))
        put(0x30 &+ UInt8(truncatingIfNeeded: number / 10 % 10))
        put(0x30 &+ UInt8(truncatingIfNeeded: number % 10))
    }

    /// Appends `number` in lower-case hexadecimal digits.
    public mutating func append(hexadecimal number: UInt64) {
        append(number, radix: 16, longest: 16)
    }

    /// Drops the first `count` bytes.
    @inlinable
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "more bytes consumed than there are")
        start &+= count
        if start == end { removeAll() }
    }

    /// Drops what stands behind the first `count` bytes.
    @inlinable
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count, "a buffer cannot be cut longer")
        end = start &+ count
    }

    /// Drops all bytes and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Drops all bytes and gives the memory back.
    public mutating func release() {
        removeAll()
        unsafe base?.deallocate()
        unsafe base = nil
        capacity = 0
    }

    @inline(__always)
    private mutating func append(_ number: UInt64, radix: UInt64, longest: Int) {
        reserve(longest)
        guard let base = unsafe base else { return }
        var digits = 1
        var bound = radix
        while digits < longest, number >= bound {
            digits &+= 1
            bound = bound &* radix
        }
        var rest = number
        var position = end &+ digits
        end = position
        for _ in 0..<digits {
            position &-= 1
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            unsafe base[position] = digit < 10 ? digit &+ 0x30 : digit &+ 0x57
            rest /= radix
        }
    }

    /// Without memory there is no offset but zero, so that null stays null, and is not looked for.
    @unsafe @inlinable @inline(__always)
    func pointer(at offset: Int) -> UnsafePointer<UInt8>? {
        unsafe unsafeBitCast(
            UInt(bitPattern: base) &+ UInt(bitPattern: offset), to: UnsafePointer<UInt8>?.self)
    }

    @inline(never) @usableFromInline
    mutating func makeRoom(_ count: Int) {
        let held = self.count
        if start > 0, capacity - held >= count {
            if let base = unsafe base {
                unsafe UnsafeMutableRawPointer(base).copyMemory(from: base + start, byteCount: held)
            }
        } else {
            let needed = held + count
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(
                capacity: Swift.max(needed, Swift.max(256, capacity * 2)))
            if let base = unsafe base, let target = larger.baseAddress {
                unsafe UnsafeMutableRawPointer(target).copyMemory(
                    from: base + start, byteCount: held)
                unsafe base.deallocate()
            }
            unsafe base = larger.baseAddress
            capacity = larger.count
        }
        start = 0
        end = held
    }
}

/// Writing into room that ``Buffer/reserve(_:)`` has made, which the caller sees to.
extension Buffer {
    @inlinable @inline(__always)
    mutating func put(_ byte: UInt8) {
        assert(end < capacity, "bytes are put where room was made")
        unsafe base.unsafelyUnwrapped[end] = byte
        end &+= 1
    }

    @inlinable @inline(__always)
    mutating func put(_ bytes: Span<UInt8>) {
        let count = bytes.count
        assert(count <= capacity &- end, "bytes are put where room was made")
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress, let base = unsafe base else { return }
            unsafe UnsafeMutableRawPointer(base + end).copyMemory(from: first, byteCount: count)
        }
        end &+= count
    }

    @inlinable @inline(__always)
    mutating func put(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        assert(count <= capacity &- end, "bytes are put where room was made")
        guard let base = unsafe base else { return }
        unsafe UnsafeMutableRawPointer(base + end).copyMemory(
            from: text.utf8Start, byteCount: count)
        end &+= count
    }
}
