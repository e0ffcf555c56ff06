/// A growable row of plain values with one owner; it keeps its memory when it is emptied.
///
/// An array would ask at every append whether it is shared; this cannot be.
@safe @frozen public struct Slots<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline var storage: UnsafeMutableBufferPointer<Element>
    @usableFromInline var filled = 0

    /// Makes an empty row that holds no memory.
    @inlinable
    public init() {
        unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    @inlinable
    deinit {
        unsafe storage.deallocate()
    }

    @inlinable public var count: Int { filled }
    @inlinable public var indices: Range<Int> { 0..<filled }

    @inlinable
    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "no such slot")
            return unsafe storage[index]
        }
        _modify {
            precondition(index >= 0 && index < count, "no such slot")
            yield unsafe &storage[index]
        }
    }

    /// Whoever appends bounds the count: a peer never decides it.
    @inlinable
    public mutating func append(_ element: Element) {
        if unsafe count == storage.count { grow() }
        unsafe storage.initializeElement(at: count, to: element)
        filled += 1
    }

    public mutating func remove(at index: Int) {
        precondition(index >= 0 && index < count, "no such slot")
        for position in index..<count - 1 {
            unsafe storage[position] = storage[position + 1]
        }
        filled -= 1
    }

    /// Drops all elements and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        filled = 0
    }

    /// Drops all elements and gives the memory back.
    public mutating func release() {
        filled = 0
        unsafe storage.deallocate()
        unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    @usableFromInline
    mutating func grow() {
        let larger = UnsafeMutableBufferPointer<Element>.allocate(
            capacity: max(16, count * 2))
        for index in 0..<count {
            unsafe larger.initializeElement(at: index, to: storage[index])
        }
        unsafe storage.deallocate()
        unsafe storage = larger
    }
}
