import HTTP2
import Kernel
import TLS

/// Why an HTTP/2 connection is over.
enum HTTP2ConnectionEnd: Equatable {
    /// Both sides were done, or we closed it.
    case finished
    case connectFailed(Errno)
    case connectTimedOut
    /// The peer closed the connection without a word.
    case peerClosed
    case socketFailed(Errno)
    /// There is no TLS session, or none any more; with the names of a peer that was refused.
    case securityFailed(TLSError, peerNames: [String])
    /// TLS is there, and the peer does not speak HTTP/2 over it (ALPN).
    case protocolNotAgreed
    case sessionFailed(SessionError)
    /// A PING was not answered in time.
    case keepAliveTimedOut
    /// More waited to be sent than the limits allow, and the peer read nothing at all.
    case peerTooSlow
}

extension HTTP2ConnectionEnd: CustomStringConvertible {
    var description: String {
        switch self {
        case .finished: "connection closed"
        case .connectFailed(let error): "connect: \(error)"
        case .connectTimedOut: "connect: timed out"
        case .peerClosed: "connection closed by peer"
        case .socketFailed(let error): "connection: \(error)"
        case .securityFailed(let error, let names) where names.isEmpty: "TLS: \(error)"
        case .securityFailed(let error, let names):
            "TLS: \(error), the peer is \(names.joined(separator: ", "))"
        case .protocolNotAgreed: "TLS: the peer does not offer h2"
        case .sessionFailed(let error): "HTTP/2: \(error)"
        case .peerTooSlow: "peer does not read"
        case .keepAliveTimedOut: "keep-alive PING not answered"
        }
    }
}
