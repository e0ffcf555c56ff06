import Bytes
import Mesh

/// Compiles rules into the lists of a ``CompiledAccess``.
struct AccessCompiler {
    let allowsMatches: Bool
    private(set) var text = Text()
    let words: Words
    private(set) var conditions = Conditions()
    private(set) var nodes: [AccessNode] = []
    private(set) var policies: [AccessRecord] = []

    init(_ rules: AccessRules) {
        allowsMatches = rules.action == .allow
        words = Words(text: &text)
        for policy in rules.policies {
            policies.append(
                AccessRecord(
                    name: text.store(policy.name), permissions: add(policy.permissions),
                    principals: add(policy.principals)))
        }
    }

    /// Adds nodes that follow each other; theirs follow behind them.
    private mutating func add(_ permissions: [Permission]) -> Range<Int32> {
        let start = reserve(permissions.count)
        for (index, permission) in permissions.enumerated() {
            nodes[start + index] = compile(permission)
        }
        return range(from: start, count: permissions.count)
    }

    private mutating func compile(_ permission: Permission) -> AccessNode {
        switch permission {
        case .any: .any
        case .all(let parts): .all(add(parts))
        case .either(let parts): .either(add(parts))
        case .not(let other): .not(add([other]).lowerBound)
        case .header(let matcher): .field(conditions.add([matcher], text: &text).lowerBound)
        case .path(let matcher): .path(conditions.compile(matcher, text: &text))
        case .destinationPorts(let ports): .ports(ports)
        }
    }

    private mutating func add(_ principals: [Principal]) -> Range<Int32> {
        let start = reserve(principals.count)
        for (index, principal) in principals.enumerated() {
            nodes[start + index] = compile(principal)
        }
        return range(from: start, count: principals.count)
    }

    private mutating func compile(_ principal: Principal) -> AccessNode {
        switch principal {
        case .any: .any
        case .all(let parts): .all(add(parts))
        case .either(let parts): .either(add(parts))
        case .not(let other): .not(add([other]).lowerBound)
        case .authenticated(nil): .secured
        case .authenticated(let matcher?): .name(conditions.compile(matcher, text: &text))
        case .address(let range): .address(range.prefix)
        case .header(let matcher): .field(conditions.add([matcher], text: &text).lowerBound)
        case .path(let matcher): .path(conditions.compile(matcher, text: &text))
        }
    }

    private mutating func reserve(_ count: Int) -> Int {
        let start = nodes.count
        nodes += Array(repeating: .any, count: count)
        return start
    }

    private func range(from start: Int, count: Int) -> Range<Int32> {
        Int32(clamping: start)..<Int32(clamping: start + count)
    }
}
