import ArgumentParser
import Control

/// Whether, and how, the control plane is the mesh's certificate authority.
struct AuthorityOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File of 32 random bytes or more; makes the control plane the certificate authority.",
            discussion: """
                The authority's private keys are sealed with it in the store. It is made when it \
                is not there and the store has no authority yet. Keep a copy apart from the store.
                """,
            valueName: "file"))
    var caKeyFile: String?

    @Option(help: "What the identities in the mesh begin with; fixed by the first start.")
    var trustDomain: String?

    @Option(
        help: ArgumentHelp(
            "The longest that a workload's certificate is good: 30 to 604800, else 86400.",
            valueName: "seconds"))
    var certificateLifetime: Int64?

    @Option(help: "Address for sidecars over TLS; else 127.0.0.1:7402.")
    var secureXds: String?

    /// `nil` without a key file, which all the rest needs.
    func settings() throws -> AuthoritySettings? {
        guard let caKeyFile else {
            let given = [
                ("--trust-domain", trustDomain != nil), ("--secure-xds", secureXds != nil),
                ("--certificate-lifetime", certificateLifetime != nil),
            ]
            if let lonely = given.first(where: \.1) {
                throw ValidationError("\(lonely.0) needs --ca-key-file")
            }
            return nil
        }
        let lifetime = certificateLifetime ?? AuthoritySettings.standardLifetime
        guard AuthoritySettings.lifetimes.contains(lifetime) else {
            let (least, most) = (
                AuthoritySettings.lifetimes.lowerBound, AuthoritySettings.lifetimes.upperBound
            )
            throw ValidationError("--certificate-lifetime: \(lifetime) is not \(least) to \(most)")
        }
        return AuthoritySettings(
            keyFile: caKeyFile, trustDomain: trustDomain ?? AuthoritySettings.standardTrustDomain,
            certificateLifetime: lifetime,
            address: try PointsmanControl.address(secureXds ?? "127.0.0.1:7402", "--secure-xds"))
    }
}
