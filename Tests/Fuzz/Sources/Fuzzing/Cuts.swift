/// Where an input is cut into pieces; derived from the input, so that a crash repeats itself.
public struct Cuts {
    private var state: UInt64

    public init(for input: Span<UInt8>) {
        var digest: UInt64 = UInt64(input.count)
        for index in input.indices { digest = digest &* 31 &+ UInt64(input[index]) }
        state = digest
    }

    /// The length of the next piece, 1…16 bytes.
    public mutating func next() -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 1 + Int(truncatingIfNeeded: state >> 60)
    }
}
