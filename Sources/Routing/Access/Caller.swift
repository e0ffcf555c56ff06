public import Mesh

/// Who has sent the requests of a connection, as far as it is certain; made once for a connection.
public final class Caller: Sendable {
    /// What a certificate says, each in its order.
    public struct Names: Sendable {
        let all: [[UInt8]]

        /// - Parameters:
        ///   - uris: Such as a workload's SPIFFE ID.
        ///   - hosts: Names of hosts.
        ///   - subject: In text (RFC 2253 §2).
        public init(uris: [String], hosts: [String], subject: String) {
            all = (uris + hosts + [subject]).map { Array($0.utf8) }
        }

        /// Of a client without a certificate.
        public static var none: Names { Names(uris: [], hosts: [], subject: "") }
    }

    /// `nil` when the connection is not secured.
    let names: Names?
    /// `nil` when it is not known.
    let address: AddressBits?
    /// To which it has connected.
    let port: UInt16

    public init(names: Names?, address: AddressBits?, port: UInt16) {
        self.names = names
        self.address = address
        self.port = port
    }
}
