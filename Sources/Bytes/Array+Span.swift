extension [UInt8] {
    /// Copies `bytes`.
    public init(_ bytes: Span<UInt8>) {
        self.init()
        append(bytes)
    }

    /// Appends a copy of `bytes`.
    public mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
