import COpenSSL

/// Bytes that nobody can guess, and how they are compared.
public enum SecureBytes {
    /// Random bytes from OpenSSL's generator.
    ///
    /// - Throws: ``TLSError/outOfMemory`` when it has none.
    public static func random(byteCount: Int) throws(TLSError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        guard unsafe RAND_bytes(&bytes, CInt(clamping: byteCount)) == 1 else {
            ERR_clear_error()
            throw .outOfMemory
        }
        return bytes
    }

    /// SHA-256, 32 bytes: what may be kept of a secret that is random itself.
    ///
    /// - Throws: ``TLSError/outOfMemory``
    public static func digest(of bytes: [UInt8]) throws(TLSError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard
            unsafe EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil) == 1
        else {
            ERR_clear_error()
            throw .outOfMemory
        }
        return digest
    }

    /// Bytes as text, two lower-case digits to each.
    public static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether two secrets are the same, in a time that tells of nothing but their lengths.
    public static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        if one.count != other.count { return false }
        return unsafe CRYPTO_memcmp(one, other, one.count) == 0
    }
}
