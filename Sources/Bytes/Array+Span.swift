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

extension InlineArray<24, UInt8> {
    /// Copies `bytes`, at most 24 of them, with zeros behind them.
    public init(padding bytes: Span<UInt8>) {
        precondition(bytes.count <= 24, "the bytes fit")
        self.init(repeating: 0)
        var room = mutableSpan
        unsafe room.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }
}
