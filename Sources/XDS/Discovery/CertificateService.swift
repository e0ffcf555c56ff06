import SwiftProtobuf

/// How a workload asks the control plane for its certificate.
public enum CertificateService {
    /// `:path` of the one call.
    public static let issuePath = "/pointsman.identity.v1.CertificateService/Issue"
}

/// A workload's wish for a certificate.
///
/// Who it is, is said by a bootstrap token in the call's metadata or by the certificate that it
/// has: what the request itself claims counts nothing.
public struct IssueRequest: Equatable, Sendable {
    /// PKCS#10 in PEM, signed with the key that never leaves the workload.
    public var signingRequest: String
    /// In seconds; zero leaves it to the authority.
    public var lifetime: UInt32

    public init(signingRequest: String, lifetime: UInt32 = 0) {
        self.signingRequest = signingRequest
        self.lifetime = lifetime
    }

    /// Reads a message; what it does not know is left out.
    ///
    /// - Throws: ``DiscoveryError/unreadableMessage``.
    public init(decoding bytes: [UInt8]) throws(DiscoveryError) {
        let message: Proto.IssueRequest = try decode(bytes)
        signingRequest = message.certificateSigningRequest
        lifetime = message.lifetimeSeconds
    }

    public var encoded: [UInt8] {
        var message = Proto.IssueRequest()
        message.certificateSigningRequest = signingRequest
        message.lifetimeSeconds = lifetime
        return message.bytes
    }
}

/// A certificate, and whom to trust.
public struct IssueResponse: Equatable, Sendable {
    /// In PEM: the own certificate first, no root among them.
    public var chain: [String]
    /// In PEM: every root that is accepted in the mesh.
    public var roots: [String]

    public init(chain: [String], roots: [String]) {
        self.chain = chain
        self.roots = roots
    }

    /// Reads a message; what it does not know is left out.
    ///
    /// - Throws: ``DiscoveryError/unreadableMessage``.
    public init(decoding bytes: [UInt8]) throws(DiscoveryError) {
        let message: Proto.IssueResponse = try decode(bytes)
        chain = message.certificateChain
        roots = message.roots
    }

    public var encoded: [UInt8] {
        var message = Proto.IssueResponse()
        message.certificateChain = chain
        message.roots = roots
        return message.bytes
    }
}
