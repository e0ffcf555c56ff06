import COpenSSL
import TLS

/// Somebody who wants a certificate, and asks in any way that one can.
@safe final class Applicant {
    enum Kind {
        case ec(CInt)
        case rsa(bits: Int)
        case ed25519
    }

    private let key: OpaquePointer

    init(_ kind: Kind) {
        let id: CInt =
            switch kind {
            case .ec: EVP_PKEY_EC
            case .rsa: EVP_PKEY_RSA
            case .ed25519: NID_ED25519
            }
        let context = unsafe EVP_PKEY_CTX_new_id(id, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        unsafe EVP_PKEY_keygen_init(context)
        switch kind {
        case .ec(let curve): unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, curve)
        case .rsa(let bits): unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, CInt(bits))
        case .ed25519: break
        }
        var made: OpaquePointer?
        unsafe EVP_PKEY_keygen(context, &made)
        unsafe key = made.unsafelyUnwrapped
    }

    deinit {
        unsafe EVP_PKEY_free(key)
    }

    var privateKey: [UInt8] {
        unsafe pem { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    /// A request in PEM, signed by `signer` where it is not the applicant.
    func request(signer: Applicant? = nil) -> [UInt8] {
        let request = unsafe X509_REQ_new().unsafelyUnwrapped
        defer { unsafe X509_REQ_free(request) }
        unsafe X509_REQ_set_version(request, 0)
        let name = unsafe X509_REQ_get_subject_name(request)
        let claim = Array("spiffe://mesh/ns/pointsman/sa/control".utf8)
        unsafe X509_NAME_add_entry_by_txt(
            name, "CN", CInt(MBSTRING_UTF8), claim, CInt(claim.count), -1, 0)
        unsafe X509_REQ_set_pubkey(request, key)
        let signer = unsafe (signer ?? self).key
        let isEdwards = unsafe EVP_PKEY_get_base_id(signer) == NID_ED25519
        unsafe X509_REQ_sign(request, signer, isEdwards ? nil : EVP_sha256())
        return unsafe pem { unsafe PEM_write_bio_X509_REQ($0, request) }
    }
}

/// What is written into a BIO.
func pem(_ write: (OpaquePointer) -> CInt) -> [UInt8] {
    let memory = unsafe BIO_new(BIO_s_mem()).unsafelyUnwrapped
    defer { unsafe BIO_free(memory) }
    _ = unsafe write(memory)
    var start: UnsafePointer<UInt8>?
    let count = unsafe pointsman_memory(memory, &start)
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
}
