import COpenSSL

/// What a certificate says of itself, for those who keep it or show it.
public struct CertificateDescription: Equatable, Sendable {
    /// Whose it is.
    public let identity: PeerIdentity
    /// When it begins being good, in seconds since 1970.
    public let startsAt: Int64
    /// In hexadecimal, lower case.
    public let serialNumber: String

    /// When it ends being good, in seconds since 1970.
    public var endsAt: Int64 { identity.endsAt }

    /// Describes every certificate in a text; none when one of them is damaged.
    public static func all(inPEM text: [UInt8]) -> [CertificateDescription] {
        Certificate.all(inPEM: text).map(CertificateDescription.init)
    }

    private init(_ certificate: Certificate) {
        identity = unsafe PeerIdentity(certificate.library)
        startsAt = unsafe pointsman_begin_of_validity(certificate.library)
        serialNumber = unsafe Self.serialNumber(of: certificate.library)
    }

    @unsafe private static func serialNumber(of certificate: OpaquePointer) -> String {
        let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nil)
        defer { unsafe BN_free(number) }
        guard let number = unsafe number, let digits = unsafe BN_bn2hex(number) else { return "" }
        defer { unsafe CRYPTO_free(digits, nil, 0) }
        return unsafe String(cString: digits).lowercased()
    }
}
