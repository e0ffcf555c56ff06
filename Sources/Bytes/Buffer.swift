/// A growable run of bytes with one owner, appended at the end and consumed from the front.
///
/// It holds no memory until something is appended, and keeps what it has until ``release()``.
/// Whoever appends bounds the size: a peer never decides it.
@safe public struct Buffer: ~Copyable {
    private var storage: UnsafeMutableBufferPointer<UInt8>
    private var start = 0
    private var end = 0

    /// Makes an empty buffer that holds no memory.
    public init() {
        unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        unsafe storage.deallocate()
    }

    /// How many bytes wait to be consumed.
    public var count: Int { end - start }

    public var isEmpty: Bool { end == start }

    /// How many bytes of memory the buffer holds.
    public var capacity: Int { unsafe storage.count }

    /// The bytes that wait to be consumed.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let filled = unsafe UnsafeBufferPointer(
                start: storage.baseAddress.map { unsafe UnsafePointer($0 + start) }, count: count)
            return unsafe _overrideLifetime(filled.span, borrowing: self)
        }
    }

    /// Room behind the bytes, to be filled in place and then taken in by ``commit(_:)``.
    ///
    /// - Parameter minimum: How many bytes of room at the least.
    /// - Returns: The room, which may be larger; what it holds before it is written is undefined.
    @_lifetime(&self)
    public mutating func room(minimum: Int) -> MutableSpan<UInt8> {
        reserve(minimum)
        let free = unsafe UnsafeMutableBufferPointer(rebasing: storage[end...])
        return unsafe _overrideLifetime(free.mutableSpan, mutating: &self)
    }

    /// Takes in the first `count` bytes of the room that ``room(minimum:)`` lent.
    public mutating func commit(_ count: Int) {
        precondition(count >= 0 && count <= capacity - end, "more bytes than there was room")
        end += count
    }

    /// Makes sure that `count` more bytes fit without another allocation.
    public mutating func reserve(_ count: Int) {
        if capacity - end >= count { return }
        if start > 0, capacity - self.count >= count {
            moveToFront()
        } else {
            grow(by: count)
        }
    }

    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe storage[end] = byte
        end += 1
    }

    public mutating func append(_ bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        reserve(bytes.count)
        copy(bytes)
    }

    public mutating func append(_ text: StaticString) {
        let source = unsafe UnsafeBufferPointer(
            start: text.utf8Start, count: text.utf8CodeUnitCount)
        append(unsafe source.span)
    }

    /// Appends `name`, a colon, a space, `value` and CRLF, with one look for room.
    public mutating func appendLine(name: Span<UInt8>, value: Span<UInt8>) {
        reserve(name.count + value.count + 4)
        copy(name)
        unsafe storage[end] = 0x3A
        unsafe storage[end + 1] = 0x20
        end += 2
        copy(value)
        unsafe storage[end] = 0x0D
        unsafe storage[end + 1] = 0x0A
        end += 2
    }

    /// Appends the UTF-8 bytes of `text`; for configuration and messages, not for the request path.
    public mutating func append(string text: String) {
        append(text.utf8.span)
    }

    /// Appends `number` in decimal digits.
    public mutating func append(decimal number: UInt64) {
        append(number, radix: 10, longest: 20)
    }

    /// Appends `number` in lower-case hexadecimal digits.
    public mutating func append(hexadecimal number: UInt64) {
        append(number, radix: 16, longest: 16)
    }

    /// Drops the first `count` bytes.
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "more bytes consumed than there are")
        start += count
        if start == end { removeAll() }
    }

    /// Drops what stands behind the first `count` bytes.
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count, "a buffer cannot be cut longer")
        end = start + count
    }

    /// Drops all bytes and keeps the memory.
    public mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Drops all bytes and gives the memory back.
    public mutating func release() {
        removeAll()
        unsafe storage.deallocate()
        unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    private mutating func append(_ number: UInt64, radix: UInt64, longest: Int) {
        reserve(longest)
        var rest = number
        var digits = 1
        while rest >= radix {
            rest /= radix
            digits += 1
        }
        rest = number
        for position in stride(from: end + digits - 1, through: end, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            unsafe storage[position] = digit < 10 ? digit + 0x30 : digit + 0x57
            rest /= radix
        }
        end += digits
    }

    /// Copies `bytes` into room that is there.
    private mutating func copy(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { source in
            let room = unsafe UnsafeMutableRawBufferPointer(
                start: storage.baseAddress.map { unsafe $0 + end }, count: capacity - end)
            unsafe room.copyMemory(from: source)
        }
        end += bytes.count
    }

    private mutating func moveToFront() {
        let target = unsafe UnsafeMutableRawBufferPointer(storage)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: target[start..<end]))
        end -= start
        start = 0
    }

    private mutating func grow(by count: Int) {
        let needed = self.count + count
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(
            capacity: Swift.max(needed, Swift.max(256, capacity * 2)))
        unsafe UnsafeMutableRawBufferPointer(larger).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[start..<end]))
        unsafe storage.deallocate()
        unsafe storage = larger
        end -= start
        start = 0
    }
}
