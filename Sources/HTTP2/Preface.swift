import Bytes

/// What a client sends first on a connection that speaks HTTP/2 (RFC 9113 §3.4).
public enum Preface {
    public enum Match: Sendable {
        /// Something else was sent.
        case absent
        /// All that is there, which is not all of it.
        case incomplete
        case complete
    }

    /// Compares the first bytes of a connection with it.
    public static func match(_ input: Span<UInt8>) -> Match {
        let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        let count = text.utf8CodeUnitCount
        if input.count >= count { return input.starts(with: text) ? .complete : .absent }
        for index in input.indices where input[index] != text.byte(at: index) { return .absent }
        return .incomplete
    }
}

extension StaticString {
    fileprivate func byte(at index: Int) -> UInt8 {
        precondition(index < utf8CodeUnitCount, "a text has bytes within its length")
        return unsafe utf8Start[index]
    }
}
