/// How much of a message a peer may make us keep or read on, in bytes or in things.
public struct Limits: Equatable, Sendable {
    /// Longest head, start line and empty line included; beyond it a request is answered 431.
    public var headBytes: Int
    /// Most fields of a head, and most of a trailer section; beyond them 431.
    public var fieldCount: Int
    /// Longest request line without its CRLF; beyond it 414.
    public var requestLineBytes: Int
    /// Longest line with a chunk's size, extensions included, CRLF excluded.
    public var chunkLineBytes: Int
    /// Most bytes of chunk extensions in one body.
    public var chunkExtensionBytes: Int
    /// Longest trailer section, empty line included.
    public var trailerBytes: Int
    /// Most informational responses before the final one.
    public var informationalCount: Int

    public init(
        headBytes: Int = 32 * 1024,
        fieldCount: Int = 100,
        requestLineBytes: Int = 8 * 1024,
        chunkLineBytes: Int = 256,
        chunkExtensionBytes: Int = 4 * 1024,
        trailerBytes: Int = 8 * 1024,
        informationalCount: Int = 16
    ) {
        self.headBytes = headBytes
        self.fieldCount = fieldCount
        self.requestLineBytes = requestLineBytes
        self.chunkLineBytes = chunkLineBytes
        self.chunkExtensionBytes = chunkExtensionBytes
        self.trailerBytes = trailerBytes
        self.informationalCount = informationalCount
    }
}
