import Bytes
import HTTP
import Routing
import Telemetry

/// Who may ask for what.
extension Exchange {
    /// Asks the guards of the listener, in their order; answers the request when it may not pass.
    ///
    /// - Returns: Whether it may.
    func passes(_ guards: [AccessGuard], of downstream: any Downstream) -> Bool {
        if guards.isEmpty { return true }
        let caller = downstream.caller
        for index in guards.indices {
            guard let objection = guards[index].objection(to: request, from: caller) else {
                continue
            }
            self.objection = objection
            if objection.isEnforced {
                answer(403, [])
                return false
            }
        }
        return true
    }

    /// Adds which policy has refused the request, or would have, in Envoy's words.
    func logObjection(to log: ListenerLog) {
        guard let objection else { return }
        var text = Buffer()
        if objection.isEnforced {
            text.append("rbac_access_denied_matched_policy[")
            objection.table.appendPolicy(of: objection.verdict, to: &text)
            text.append("]")
            log.lines.add(.responseCodeDetails, text.bytes)
        } else {
            objection.table.appendPolicy(of: objection.verdict, to: &text)
            log.lines.add(.shadowDenied, text.bytes)
        }
    }
}
