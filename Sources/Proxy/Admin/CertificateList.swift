import TLS

/// Certificates as Envoy's `/certs` shows them (`envoy.admin.v3.Certificates`).
struct CertificateList {
    /// Where an authority's or the own certificates come from.
    struct Entry {
        var authorities: [CertificateDescription]
        var chain: [CertificateDescription]
    }

    var entries: [Entry]
    /// Now, in seconds since 1970.
    var date: Int64

    var json: JSONValue {
        .object([
            (
                "certificates",
                .array(
                    entries.map { entry in
                        .object([
                            ("ca_cert", .array(entry.authorities.map(details))),
                            ("cert_chain", .array(entry.chain.map(details))),
                        ])
                    })
            )
        ])
    }

    private func details(of certificate: CertificateDescription) -> JSONValue {
        let identity = certificate.identity
        let names = [
            ("uri", identity.uriNames), ("dns", identity.dnsNames),
            ("ip_address", identity.ipAddresses),
        ].flatMap { kind, names in
            names.map { JSONValue.object([(kind, .string($0))]) }
        }
        let days = max(certificate.endsAt - date, 0) / 86_400
        return .object([
            ("path", .string("<inline>")), ("serial_number", .string(certificate.serialNumber)),
            ("subject_alt_names", .array(names)),
            ("days_until_expiration", .longNumber(UInt64(days))),
            ("valid_from", .string(IdentityClient.Event.text(of: certificate.startsAt))),
            ("expiration_time", .string(IdentityClient.Event.text(of: certificate.endsAt))),
        ])
    }
}
