/// Who a workload is, as its certificate says.
public struct WorkloadNames: Equatable, Sendable {
    /// The SPIFFE ID, the only URI (X509-SVID §2).
    public var uri: String
    /// For clients that ask for a host's name, which only the control plane's own have.
    public var dnsNames: [String]
    public var ipAddresses: [String]

    public init(uri: String, dnsNames: [String] = [], ipAddresses: [String] = []) {
        self.uri = uri
        self.dnsNames = dnsNames
        self.ipAddresses = ipAddresses
    }
}

/// A certificate that was just made.
public struct IssuedCertificate: Equatable, Sendable {
    /// In PEM, without the chain behind it.
    public let certificate: [UInt8]
    /// 128 random bits in hexadecimal.
    public let serial: String
    public let validity: Authority.Validity
}
