import COpenSSL

/// A certificate that is being made (RFC 5280 §4.1).
@safe final class CertificateDraft {
    private static let serialByteCount = 16

    private let library: OpaquePointer
    /// In hexadecimal.
    let serialText: String

    init(validity: Authority.Validity) throws(TLSError) {
        var serial = try SecureBytes.random(byteCount: Self.serialByteCount)
        // Not negative and never zero, in as many digits as every other.
        serial[0] = serial[0] & 0x7F | 0x40
        serialText = SecureBytes.hexadecimal(serial)
        guard let library = unsafe X509_new() else { throw .outOfMemory }
        unsafe self.library = library
        // Version 3 is written as 2.
        let isDone =
            unsafe X509_set_version(library, 2) == 1
            && pointsman_set_serial(library, serial, serial.count) == 1
            && pointsman_set_validity(library, validity.lowerBound, validity.upperBound) == 1
        guard isDone else { throw .outOfMemory }
    }

    deinit {
        unsafe X509_free(library)
    }

    func setSubject(_ name: String, organization: String) throws(TLSError) {
        let subject = unsafe X509_get_subject_name(library)
        for (field, text) in [("O", organization), ("CN", name)] {
            let isDone = unsafe X509_NAME_add_entry_by_txt(
                subject, field, CInt(MBSTRING_UTF8), Array(text.utf8), CInt(text.utf8.count),
                -1, 0)
            guard isDone == 1 else { throw .outOfMemory }
        }
    }

    func setKey(_ key: PrivateKey) throws(TLSError) {
        unsafe try setKey(key.library)
    }

    @unsafe func setKey(_ key: OpaquePointer) throws(TLSError) {
        guard unsafe X509_set_pubkey(library, key) == 1 else { throw .outOfMemory }
    }

    /// Adds an extension as OpenSSL's configuration has it.
    func add(_ kind: CInt, _ value: String, below issuer: Authority? = nil) throws(TLSError) {
        let issuer = unsafe issuer?.library.library ?? library
        guard unsafe pointsman_add_extension(library, issuer, kind, value) == 1 else {
            throw .outOfMemory
        }
    }

    /// Adds the names; they are critical, since there is no subject (RFC 5280 §4.2.1.6).
    func add(_ names: WorkloadNames) throws(TLSError) {
        guard let list = unsafe GENERAL_NAMES_new() else { throw .outOfMemory }
        defer { unsafe GENERAL_NAMES_free(list) }
        let all =
            [(GEN_URI, names.uri)] + names.dnsNames.map { (GEN_DNS, $0) }
            + names.ipAddresses.map { (GEN_IPADD, $0) }
        for (kind, text) in all where unsafe pointsman_add_name(list, kind, text) != 1 {
            throw .outOfMemory
        }
        let isDone = unsafe X509_add1_ext_i2d(
            library, NID_subject_alt_name, UnsafeMutableRawPointer(list), 1, 0)
        guard isDone == 1 else { throw .outOfMemory }
    }

    /// The certificate in PEM, signed by an authority; `nil` signs with its own name.
    func signed(by issuer: Authority?, _ key: PrivateKey) throws(TLSError) -> [UInt8] {
        let issuer = unsafe issuer?.library.library ?? library
        let isSigned =
            unsafe X509_set_issuer_name(library, X509_get_subject_name(issuer)) == 1
            && X509_sign(library, key.library, EVP_sha256()) > 0
        let text = unsafe text { unsafe PEM_write_bio_X509($0, library) }
        guard isSigned, !text.isEmpty else {
            ERR_clear_error()
            throw .outOfMemory
        }
        return text
    }
}
