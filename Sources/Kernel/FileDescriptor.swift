import Glibc

/// An open file descriptor with exactly one owner, closed when that owner goes away.
public struct FileDescriptor: ~Copyable, Sendable {
    public let rawValue: CInt

    /// Takes over `rawValue`, which must be open and have no other owner.
    public init(owning rawValue: CInt) {
        precondition(rawValue >= 0, "only an open descriptor can be owned")
        self.rawValue = rawValue
    }

    deinit {
        // Linux frees the number even when close(2) fails, so there is nothing to retry.
        _ = Glibc.close(rawValue)
    }

    /// Hands the descriptor to code that closes it itself, such as a C library.
    public consuming func release() -> CInt {
        let released = rawValue
        discard self
        return released
    }
}
