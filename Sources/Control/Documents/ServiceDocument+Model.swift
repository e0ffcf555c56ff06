import FoundationEssentials
import Mesh

extension ServiceDocument {
    /// Makes the service that the document describes.
    ///
    /// A name in the document must be `name`.
    ///
    /// - Throws: `MeshError` with the path of the wrong field in the document.
    func service(named name: String) throws(MeshError) -> Service {
        if let written = self.name, written != name {
            throw MeshError("name", "\"\(written)\" is not the name in the path, \"\(name)\"")
        }
        let application = try MeshError.at("protocol") { () throws(MeshError) in
            try Service.Application(parsing: self.application ?? "http")
        }
        let listen = try MeshError.at("listen") { () throws(MeshError) -> EndpointAddress? in
            guard let listen = self.listen else { return nil }
            return try EndpointAddress(parsing: listen)
        }
        let security = try MeshError.at("tls") { () throws(MeshError) in
            try Service.Security(parsing: tls ?? Service.Security.off.rawValue)
        }
        let identity = try MeshError.at("identity") { () throws(MeshError) -> WorkloadIdentity? in
            guard let identity = self.identity else { return nil }
            return try WorkloadIdentity(parsing: identity)
        }
        let access = try MeshError.at("access") { () throws(MeshError) in
            try self.access?.access()
        }
        var versions: [Version] = []
        for (name, document) in self.versions.sorted(by: { $0.key < $1.key }) {
            versions.append(
                try MeshError.at("versions.\(name)") { () throws(MeshError) in
                    try document.version(named: name)
                })
        }
        var drafts: [ServiceRoute.Draft] = []
        for (index, document) in (routes ?? []).enumerated() {
            drafts.append(
                try MeshError.at("routes[\(index)]") { () throws(MeshError) in
                    try document.draft()
                })
        }
        if let routes, routes.isEmpty { throw MeshError("routes", "must not be empty") }
        return try Service(
            name: name, application: application, listen: listen, security: security,
            identity: identity, access: access, versions: versions, routes: drafts)
    }
}

extension VersionDocument {
    fileprivate func version(named name: String) throws(MeshError) -> Version {
        var addresses: [EndpointAddress] = []
        for (index, text) in endpoints.enumerated() {
            addresses.append(
                try MeshError.at("endpoints[\(index)]") { () throws(MeshError) in
                    try EndpointAddress(parsing: text)
                })
        }
        return try Version(name: name, endpoints: addresses)
    }
}

extension RouteDocument {
    fileprivate func draft() throws(MeshError) -> ServiceRoute.Draft {
        let match = try MeshError.at("match") { () throws(MeshError) in
            try self.match?.requestMatch() ?? .any
        }
        let weights = try MeshError.at("split") { () throws(MeshError) in
            try exactWeights(split)
        }
        let sticky = try MeshError.at("sticky") { () throws(MeshError) -> Stickiness? in
            try self.sticky?.stickiness()
        }
        var draft = ServiceRoute.Draft(
            name: name, match: match, weights: weights, stickiness: sticky)
        if let timeout {
            draft.timeout = try MeshError.at("timeout") { () throws(MeshError) -> Duration? in
                try parseTimeout(timeout)
            }
        }
        return draft
    }
}

extension MatchDocument {
    fileprivate func requestMatch() throws(MeshError) -> RequestMatch {
        let path = try MeshError.at("path") { () throws(MeshError) -> PathMatcher? in
            try self.path?.matcher()
        }
        return try RequestMatch(
            path: path,
            method: method,
            headers: try Self.conditions(headers, "headers"),
            query: try Self.conditions(query, "query"),
            cookies: try Self.conditions(cookies, "cookies"))
    }

    private static func conditions(
        _ documents: [String: ConditionDocument]?, _ path: String
    ) throws(MeshError) -> [RequestMatch.Named] {
        var named: [RequestMatch.Named] = []
        for (name, document) in (documents ?? [:]).sorted(by: { $0.key < $1.key }) {
            let condition = try MeshError.at("\(path).\(name)") { () throws(MeshError) in
                try document.condition()
            }
            named.append(RequestMatch.Named(name, condition))
        }
        return named
    }
}

/// The weights that were written as JSON numbers, exactly.
func exactWeights(_ numbers: [String: Decimal]) throws(MeshError) -> [String: Weight] {
    var weights: [String: Weight] = [:]
    for (name, number) in numbers.sorted(by: { $0.key < $1.key }) {
        weights[name] = try MeshError.at(name) { () throws(MeshError) in
            try Weight(parsing: number.description)
        }
    }
    return weights
}

/// Reads `250ms`, `15s`, `2m`, `1h`, or `none` for no limit, which is `nil`.
private func parseTimeout(_ text: String) throws(MeshError) -> Duration? {
    if text == "none" { return nil }
    let digits = text.prefix { $0 >= "0" && $0 <= "9" }
    let milliseconds: UInt64? =
        switch text.dropFirst(digits.count) {
        case "ms": 1
        case "s": 1000
        case "m": 60_000
        case "h": 3_600_000
        default: nil
        }
    guard let milliseconds, digits.utf8.count <= 9, let count = UInt64(digits) else {
        throw MeshError("", "\"\(text)\" is not a time such as 250ms, 15s, 2m, 1h, or none")
    }
    return .milliseconds(count * milliseconds)
}

/// Writes a time as it can be read again.
func timeoutText(_ timeout: Duration?) -> String {
    guard let timeout else { return "none" }
    let (seconds, attoseconds) = timeout.components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    return milliseconds == 0 ? "\(seconds)s" : "\(seconds * 1000 + milliseconds)ms"
}
