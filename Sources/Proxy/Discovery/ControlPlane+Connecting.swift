import Kernel
import Mesh
import TLS
import Transport
import XDS

extension Bootstrap.ControlPlane {
    /// Where it can be reached now; blocks.
    ///
    /// A name may have addresses that nobody listens on, such as `::1` of `localhost`.
    var resolved: [SocketAddress] {
        addresses.flatMap { SocketAddress.resolve(host: $0.host, port: $0.port) }
    }

    /// What it is asked for (SNI), where nothing else says so; never an address (RFC 6066 §3).
    var serverName: String? {
        guard let place = addresses.first,
            SocketAddress(host: place.host, port: place.port) == nil
        else { return nil }
        return place.host
    }
}

/// How the stream to the control plane is secured.
enum StreamSecurity {
    case clear
    case secured(GRPCSecurity)
    /// There is nothing to present yet, or what there is cannot be used.
    case unavailable(String)

    /// What a file asks for, read anew, since the files that it names may have changed.
    init(_ terms: UpstreamSecurity?, of bootstrap: Bootstrap) {
        guard let terms else {
            self = .clear
            return
        }
        var reader = SourceReader(of: bootstrap.staticSnapshot)
        do throws(SourceError) {
            let settings = try terms.settings(holding: &reader)
            do throws(TLSError) {
                let context = try TLS.Context(settings, role: .client)
                self = .secured(GRPCSecurity(context: context, serverName: terms.serverName))
            } catch {
                throw SourceError.unusable(error)
            }
        } catch {
            self = .unavailable("transport_socket: \(error)")
        }
    }
}
