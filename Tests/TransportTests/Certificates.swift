import Kernel
import TLS

/// Certificates below one root, and `stranger` below another.
enum Certificates {
    static let root = mesh.certificate
    static let server = issue("control", dnsNames: ["localhost"])
    static let renewed = issue("renewed")
    static let client = issue("a")
    static let expired = issue("a", seconds: -3600 ... -60)
    static let stranger = issue("a", by: makeRoot("other"))

    private struct Root {
        let certificate: [UInt8]
        let key: PrivateKey
    }

    private static let mesh = makeRoot("mesh")

    private static func makeRoot(_ name: String) -> Root {
        made {
            let made = try Authority.root(
                named: name, trustDomain: "mesh", validity: dates(-7200...7200))
            return Root(certificate: made.certificate, key: made.key)
        }
    }

    private static func issue(
        _ name: String, by root: Root = mesh, dnsNames: [String] = [],
        seconds: ClosedRange<Int64> = -3600...3600
    ) -> Credential {
        made {
            let authority = try Authority(certificate: root.certificate, key: root.key)
            let key = try PrivateKey.generated()
            let names = WorkloadNames(uri: "spiffe://mesh/\(name)", dnsNames: dnsNames)
            let issued = try authority.issue(names, for: key, validity: dates(seconds))
            return Credential(certificateChain: issued.certificate, privateKey: key.pem)
        }
    }

    private static func dates(_ seconds: ClosedRange<Int64>) -> Authority.Validity {
        let now = Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000_000)
        return now + seconds.lowerBound...now + seconds.upperBound
    }

    private static func made<Value>(_ make: () throws -> Value) -> Value {
        do {
            return try make()
        } catch {
            preconditionFailure("a test has no certificate: \(error)")
        }
    }
}
