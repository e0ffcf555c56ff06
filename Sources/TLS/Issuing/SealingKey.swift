import COpenSSL

/// Keeps secrets secret where others may read: AES-256-GCM with a key that is made of a secret.
public struct SealingKey: Sendable {
    /// What is sealed is so many bytes longer.
    static let overhead = Int(POINTSMAN_NONCE) + Int(POINTSMAN_TAG)

    private let key: [UInt8]

    /// Makes a key (HKDF, RFC 5869 §2).
    ///
    /// - Parameters:
    ///   - secret: Random, 32 bytes or more, so that no slow derivation is needed.
    ///   - salt: Not secret, and another one for each store.
    ///   - purpose: What the key is for; another purpose is another key.
    /// - Throws: ``TLSError/outOfMemory``
    public init(secret: [UInt8], salt: [UInt8], purpose: String) throws(TLSError) {
        var key = [UInt8](repeating: 0, count: Int(POINTSMAN_SEALING_KEY))
        defer { ERR_clear_error() }
        let isDone = unsafe pointsman_derive_key(
            secret, secret.count, salt, salt.count, purpose, &key)
        guard isDone == 1 else { throw .outOfMemory }
        self.key = key
    }

    /// Seals bytes under a label, without which they cannot be opened.
    ///
    /// - Throws: ``TLSError/outOfMemory``
    public func seal(_ plain: [UInt8], label: String) throws(TLSError) -> [UInt8] {
        let label = Array(label.utf8)
        var sealed = [UInt8](repeating: 0, count: plain.count + Self.overhead)
        defer { ERR_clear_error() }
        let isDone = unsafe pointsman_seal(
            key, label, label.count, plain, plain.count, &sealed)
        guard isDone == 1 else { throw .outOfMemory }
        return sealed
    }

    /// The bytes that were sealed; `nil` when the key or the label is another one, or the bytes
    /// were changed.
    public func open(_ sealed: [UInt8], label: String) -> [UInt8]? {
        guard sealed.count >= Self.overhead else { return nil }
        let label = Array(label.utf8)
        var plain = [UInt8](repeating: 0, count: sealed.count - Self.overhead)
        defer { ERR_clear_error() }
        let isDone = unsafe pointsman_open(
            key, label, label.count, sealed, plain.count, &plain)
        return isDone == 1 ? plain : nil
    }
}
