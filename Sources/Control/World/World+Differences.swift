import FoundationEssentials
import Mesh
import RegularExpressions

extension World {
    /// The fields that differ between this world and a later one, in the order of their paths.
    ///
    /// - Parameters:
    ///   - next: The later world.
    ///   - names: The services that may differ.
    /// - Returns: At most ``Difference/limit``.
    func differences(to next: World, in names: [String]) -> [Difference] {
        var differences: [Difference] = []
        for name in names.sorted() where differences.count < Difference.limit {
            let before = services[name].map { $0.service.fields } ?? [:]
            let after = next.services[name].map { $0.service.fields } ?? [:]
            for path in Set(before.keys).union(after.keys).sorted()
            where before[path] != after[path] {
                differences.append(
                    Difference(
                        path: "services.\(name).\(path)", before: before[path], after: after[path]))
            }
        }
        return Array(differences.prefix(Difference.limit))
    }
}

extension Service {
    /// Every field of the service as one line each, by path.
    fileprivate var fields: [String: Difference.Value] {
        var fields: [String: Difference.Value] = ["protocol": .text(application.rawValue)]
        if let listen { fields["listen"] = .text(listen.description) }
        if security != .off { fields["tls"] = .text(security.rawValue) }
        if !hasStandardIdentity { fields["identity"] = .text(identity.description) }
        if let access { fields.merge(access.fields.map { ("access.\($0)", $1) }) { $1 } }
        for version in versions {
            fields["versions.\(version.name).endpoints"] = .text(
                version.endpoints.map(\.description).joined(separator: ", "))
        }
        fields["routes"] = .text(routes.map(\.name).joined(separator: ", "))
        for route in routes {
            let path = "routes.\(route.name)"
            if application != .tcp {
                fields["\(path).timeout"] = .text(timeoutText(route.timeout))
            }
            if let sticky = route.stickiness { fields["\(path).sticky"] = .text(sticky.text) }
            for share in route.split.shares {
                fields["\(path).split.\(share.version)"] = .number(share.percentage)
            }
            fields.merge(route.match.fields.map { ("\(path).match.\($0)", $1) }) { $1 }
        }
        return fields
    }
}

extension ServiceAccess {
    fileprivate var fields: [(String, Difference.Value)] {
        var fields: [(String, Difference.Value)] = [("default", .text(standard.rawValue))]
        if isDryRun { fields.append(("dryRun", .text("true"))) }
        for (index, rule) in rules.enumerated() {
            fields.append(("rules[\(index)]", .text(rule.text)))
        }
        return fields
    }
}

extension AccessRule {
    fileprivate var text: String {
        var words = [verdict.rawValue]
        if !methods.isEmpty { words.append(methods.joined(separator: ", ")) }
        if !paths.isEmpty { words.append(paths.map(\.description).joined(separator: ", ")) }
        if !callers.isEmpty {
            words.append("from " + callers.map(\.description).joined(separator: ", "))
        }
        return words.joined(separator: " ")
    }
}

extension RequestMatch {
    fileprivate var fields: [(String, Difference.Value)] {
        var fields: [(String, Difference.Value)] = []
        switch path {
        case .exact(let text): fields.append(("path", .text("exact \(text)")))
        case .prefix(let text): fields.append(("path", .text("prefix \(text)")))
        case .separatedPrefix(let prefix): fields.append(("path", .text("prefix \(prefix.text)")))
        case .regex(let expression): fields.append(("path", .text("regex \(expression.pattern)")))
        case nil: break
        }
        if let method { fields.append(("method", .text(method))) }
        for (kind, conditions) in [("headers", headers), ("query", query), ("cookies", cookies)] {
            for condition in conditions {
                fields.append(("\(kind).\(condition.name)", .text(condition.condition.text)))
            }
        }
        return fields
    }
}

extension QueryParameterMatcher.Condition {
    fileprivate var text: String {
        switch ConditionDocument(self) {
        case .exact(let text): "exact \(text)"
        case .prefix(let text): "prefix \(text)"
        case .suffix(let text): "suffix \(text)"
        case .contains(let text): "contains \(text)"
        case .regex(let pattern): "regex \(pattern)"
        case .present(let isPresent): isPresent ? "present" : "absent"
        }
    }
}

extension Stickiness {
    fileprivate var text: String {
        switch self {
        case .cookie(let name): "cookie \(name)"
        case .header(let name): "header \(name)"
        case .query(let name): "query \(name)"
        case .sourceAddress: "source address"
        }
    }
}
