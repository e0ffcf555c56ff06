import Bytes
import HTTP
import Kernel
import Mesh
import Routing
import TLS
import Telemetry
import Transport

/// One filter of a listener that lets requests through or not, as one worker runs it.
final class AccessGuard {
    /// What rules have said against a request.
    struct Objection {
        let table: AccessTable
        let verdict: AccessTable.Verdict
        /// Whether the request was refused; else it would have been.
        let isEnforced: Bool
    }

    private let rules: AccessTable?
    private let shadowRules: AccessTable?
    private let counters: AccessCounters
    private let shadowCounters: AccessCounters

    init(_ filter: AccessFilter, _ metrics: AccessMetrics) {
        rules = filter.rules.map { AccessTable($0) }
        shadowRules = filter.shadowRules.map { AccessTable($0) }
        counters = metrics.counters(for: filter.statPrefix)
        shadowCounters = metrics.counters(for: filter.shadowStatPrefix)
    }

    /// Decides about a request, and counts it.
    ///
    /// - Returns: What there is to say against it; `nil` when it may pass in every respect.
    func objection(
        to request: borrowing RequestHead, from caller: borrowing Caller
    ) -> Objection? {
        var objection: Objection?
        if let shadowRules {
            let verdict = shadowRules.verdict(on: request, from: caller)
            if verdict.isAllowed {
                shadowCounters.shadowAllowed.add()
            } else {
                shadowCounters.shadowDenied.add()
                objection = Objection(table: shadowRules, verdict: verdict, isEnforced: false)
            }
        }
        if let rules {
            let verdict = rules.verdict(on: request, from: caller)
            if verdict.isAllowed {
                counters.allowed.add()
            } else {
                counters.denied.add()
                objection = Objection(table: rules, verdict: verdict, isEnforced: true)
            }
        }
        return objection
    }
}

extension Caller {
    /// Finds out who is on the other side of a connection.
    ///
    /// - Parameters:
    ///   - security: Of the connection; `nil` where bytes go as they are.
    ///   - peer: From where it comes.
    ///   - port: To which it was made.
    convenience init(_ security: SecureChannel?, from peer: SocketAddress, to port: UInt16) {
        let names = security.map { security in
            guard let identity = security.peer else { return Names.none }
            return Names(
                uris: identity.uriNames, hosts: identity.dnsNames, subject: identity.subject)
        }
        self.init(names: names, address: AddressBits(parsing: peer.hostText), port: port)
    }
}
