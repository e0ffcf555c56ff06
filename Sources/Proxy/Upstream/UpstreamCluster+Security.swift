import Kernel
import Mesh
import Telemetry
import TLS
import Transport

/// TLS with endpoints.
extension UpstreamCluster {
    /// How far a connection to an endpoint is.
    enum SecurityProgress {
        /// The endpoint has to say something first.
        case waiting
        case ready
        /// There is no session; that was counted and logged.
        case failed
    }

    /// Puts TLS on a connection that was made a moment ago, where the cluster asks for it.
    ///
    /// - Parameters:
    ///   - stream: The connection; it is being read.
    ///   - address: Whose it is, for the log.
    ///   - protocolName: What will be spoken; offered when HTTP/2 is, or the cluster names any;
    ///     `nil` where that is not known, which offers what the cluster names.
    ///   - worker: Whose loop it is on.
    /// - Returns: How far it is.
    func secure(
        _ stream: inout StreamSocket, to address: SocketAddress, for protocolName: String?,
        on worker: Worker
    ) -> SecurityProgress {
        guard let terms = cluster.security else { return .ready }
        guard let context else {
            // A secret has not come, and nothing goes in the clear that should not.
            metrics.security.unprovided.add()
            return .failed
        }
        do throws(TLSError) {
            try stream.secure(
                context, with: worker.secureBuffers, serverName: terms.serverName,
                offering: protocolName.flatMap { offer(for: $0, terms) })
        } catch {
            count(error, of: stream, to: address, on: worker)
            return .failed
        }
        return shakeHands(&stream, to: address, on: worker)
    }

    /// Where the handshake is to say what is spoken, both versions are offered.
    private func offer(for protocolName: String, _ terms: UpstreamSecurity) -> [String]? {
        let isHTTP2 = protocolName == "h2"
        if cluster.upstreamProtocol == .negotiated {
            return isHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        }
        return isHTTP2 || !terms.applicationProtocols.isEmpty ? [protocolName] : nil
    }

    /// Goes on with the handshake, when the connection is readable.
    ///
    /// - Returns: How far it is.
    func shakeHands(
        _ stream: inout StreamSocket, to address: SocketAddress, on worker: Worker
    ) -> SecurityProgress {
        do throws(TLSError) {
            guard try stream.shakeHands() else { return .waiting }
        } catch {
            count(error, of: stream, to: address, on: worker)
            return .failed
        }
        metrics.security.countHandshake(isResumed: stream.security?.isResumed ?? false)
        return .ready
    }

    /// Counts a handshake that was not over in its time.
    func countTimeout(
        of stream: borrowing StreamSocket, to address: SocketAddress, on worker: Worker
    ) {
        count(.timedOut, of: stream, to: address, on: worker)
    }

    /// Counts why there is no session.
    private func count(
        _ error: TLSError, of stream: borrowing StreamSocket, to address: SocketAddress,
        on worker: Worker
    ) {
        metrics.security.count(error.reason)
        worker.tell(error, .cluster(name), peer: address, stream.security?.refusedPeer)
    }

    /// Counts why a session has failed that was ready: with TLS 1.3 the refusal of an endpoint
    /// comes only then.
    func countFailure(
        of stream: borrowing StreamSocket, to address: SocketAddress, on worker: Worker
    ) {
        guard let failure = stream.security?.failure, failure != .truncated else { return }
        count(failure, of: stream, to: address, on: worker)
    }
}
