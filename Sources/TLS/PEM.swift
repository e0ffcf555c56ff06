import COpenSSL

/// A certificate, owned.
@safe final class Certificate {
    let library: OpaquePointer

    @unsafe private init(owning library: OpaquePointer) {
        unsafe self.library = library
    }

    deinit {
        unsafe X509_free(library)
    }

    /// From when to when it is good, in seconds since 1970; `nil` when it does not say.
    var validity: ClosedRange<Int64>? {
        let start = unsafe pointsman_begin_of_validity(library)
        let end = unsafe pointsman_end_of_validity(library)
        return start < end ? start...end : nil
    }

    /// Every certificate in a text; none when one of them is damaged.
    static func all(inPEM text: [UInt8]) -> [Certificate] {
        guard let memory = unsafe copy(of: text) else { return [] }
        defer { unsafe BIO_free(memory) }
        var certificates: [Certificate] = []
        while let certificate = unsafe PEM_read_bio_X509(
            memory, nil, pointsman_refuse_password, nil)
        {
            certificates.append(unsafe Certificate(owning: certificate))
        }
        let reason = CInt(truncatingIfNeeded: ERR_peek_last_error() & 0x7F_FFFF)
        ERR_clear_error()
        return reason == PEM_R_NO_START_LINE ? certificates : []
    }
}

/// A private key, owned; it may be used on any thread, since nothing changes it.
@safe public final class PrivateKey: @unchecked Sendable {
    let library: OpaquePointer

    @unsafe init(owning library: OpaquePointer) {
        unsafe self.library = library
    }

    /// Makes a new key on P-256.
    ///
    /// - Throws: ``TLSError/outOfMemory`` when the library gives none.
    public static func generated() throws(TLSError) -> PrivateKey {
        defer { ERR_clear_error() }
        guard let key = unsafe pointsman_generate_key() else { throw .outOfMemory }
        return unsafe PrivateKey(owning: key)
    }

    /// Reads a key in PEM that is not encrypted; `nil` when there is none.
    public init?(pem text: [UInt8]) {
        guard let memory = unsafe copy(of: text) else { return nil }
        defer { unsafe BIO_free(memory) }
        let key = unsafe PEM_read_bio_PrivateKey(memory, nil, pointsman_refuse_password, nil)
        ERR_clear_error()
        guard let key = unsafe key else { return nil }
        unsafe library = key
    }

    deinit {
        unsafe EVP_PKEY_free(library)
    }

    /// The key as PKCS#8 in PEM, not encrypted.
    public var pem: [UInt8] {
        unsafe text { unsafe PEM_write_bio_PKCS8PrivateKey($0, library, nil, nil, 0, nil, nil) }
    }

    /// Such as EVP_PKEY_EC.
    var kind: CInt { unsafe EVP_PKEY_get_base_id(library) }
}

/// What `write` puts into a BIO; empty when it fails.
@unsafe func text(_ write: (OpaquePointer) -> CInt) -> [UInt8] {
    guard let memory = unsafe BIO_new(BIO_s_mem()) else { return [] }
    defer { unsafe BIO_free(memory) }
    guard unsafe write(memory) == 1 else {
        ERR_clear_error()
        return []
    }
    var start: UnsafePointer<UInt8>?
    let count = unsafe pointsman_memory(memory, &start)
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
}

/// A BIO that holds a copy of `text`, to be freed by the caller.
@unsafe func copy(of text: [UInt8]) -> OpaquePointer? {
    guard let memory = unsafe BIO_new(BIO_s_mem()) else { return nil }
    unsafe BIO_write(memory, text, CInt(clamping: text.count))
    return unsafe memory
}
