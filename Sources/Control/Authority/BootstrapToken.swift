import TLS

/// A bootstrap token as its holder has it: `pmt_ID_SECRET`, in hexadecimal.
struct BootstrapToken {
    static let standardLifetime: Int64 = 3600
    static let longestLifetime: Int64 = 30 * 86_400
    static let usesLimit: Int64 = 100_000
    /// Most tokens that are good at a time.
    static let countLimit = 10_000
    private static let idByteCount = 8
    private static let secretByteCount = 32

    let id: String
    private let secret: [UInt8]

    /// Makes a new one.
    init() throws(TLSError) {
        id = SecureBytes.hexadecimal(try SecureBytes.random(byteCount: Self.idByteCount))
        let bytes = try SecureBytes.random(byteCount: Self.secretByteCount)
        secret = Array(SecureBytes.hexadecimal(bytes).utf8)
    }

    /// Reads the value of an `authorization` field; `nil` when it is of another form.
    init?(authorization: String) {
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let fields = parts[1].split(separator: "_", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0] == "pmt",
            fields[1].utf8.count == 2 * Self.idByteCount,
            fields[2].utf8.count == 2 * Self.secretByteCount
        else { return nil }
        id = String(fields[1])
        secret = Array(fields[2].utf8)
    }

    /// For the one who asked for it, once.
    var text: String { "pmt_\(id)_\(String(decoding: secret, as: UTF8.self))" }

    /// What the store keeps.
    var digest: [UInt8] {
        get throws(TLSError) { try SecureBytes.digest(of: secret) }
    }
}
