public import Bytes
public import HTTP
public import Mesh

/// ``AccessRules`` compiled for the request path: nothing in it locks or allocates.
///
/// Each worker has its own.
public final class AccessTable: Sendable {
    /// What the rules say of one request.
    public struct Verdict: Sendable {
        public let isAllowed: Bool
        /// The policy that matched; `-1` when none did.
        let policy: Int32
    }

    private let rules: CompiledAccess

    public init(_ rules: AccessRules) {
        self.rules = CompiledAccess(AccessCompiler(rules))
    }

    /// Looks at policies in their order until one matches.
    public func verdict(
        on head: borrowing RequestHead, from caller: borrowing Caller
    ) -> Verdict {
        let policy = rules.match(head, caller)
        return Verdict(isAllowed: rules.allowsMatches == (policy != -1), policy: policy)
    }

    /// Appends the name of the policy that a verdict comes from, without its spaces, and `none`
    /// where none matched.
    public func appendPolicy(of verdict: Verdict, to buffer: inout Buffer) {
        if verdict.policy == -1 {
            buffer.append("none")
        } else {
            rules.appendName(of: verdict.policy, to: &buffer)
        }
    }
}

/// What is looked at, in one list whose nodes point to others by their number.
enum AccessNode: Sendable {
    case any
    case all(Range<Int32>)
    case either(Range<Int32>)
    case not(Int32)
    /// The number of the condition.
    case field(Int32)
    case path(TextTest)
    case ports(Range<UInt32>)
    case secured
    case name(TextTest)
    case address(AddressPrefix)
}

/// A policy: two sets of nodes of which one each has to hold.
struct AccessRecord: Sendable {
    var name: TextRange
    var permissions: Range<Int32>
    var principals: Range<Int32>
}

/// It cannot be copied, so that no access counts references.
struct CompiledAccess: ~Copyable, Sendable {
    let allowsMatches: Bool
    private let text: Text
    private let words: Words
    private let conditions: Conditions
    private let nodes: [AccessNode]
    private let policies: [AccessRecord]

    init(_ compiler: AccessCompiler) {
        allowsMatches = compiler.allowsMatches
        text = compiler.text
        words = compiler.words
        conditions = compiler.conditions
        nodes = compiler.nodes
        policies = compiler.policies
    }

    /// The first policy that matches; `-1` when none does.
    func match(_ head: borrowing RequestHead, _ caller: borrowing Caller) -> Int32 {
        for index in policies.indices
        where oneHolds(policies[index].permissions, head, caller)
            && oneHolds(policies[index].principals, head, caller)
        {
            return Int32(truncatingIfNeeded: index)
        }
        return -1
    }

    /// Appends the name of a policy with `_` for spaces.
    func appendName(of policy: Int32, to buffer: inout Buffer) {
        let name = text[policies[Int(policy)].name]
        for index in name.indices {
            buffer.append(name[index] == UInt8(ascii: " ") ? UInt8(ascii: "_") : name[index])
        }
    }

    private func oneHolds(
        _ range: Range<Int32>, _ head: borrowing RequestHead, _ caller: borrowing Caller
    ) -> Bool {
        for node in range where holds(node, head, caller) { return true }
        return false
    }

    private func holds(
        _ node: Int32, _ head: borrowing RequestHead, _ caller: borrowing Caller
    ) -> Bool {
        switch nodes[Int(node)] {
        case .any: return true
        case .all(let parts):
            for part in parts where !holds(part, head, caller) { return false }
            return true
        case .either(let parts): return oneHolds(parts, head, caller)
        case .not(let other): return !holds(other, head, caller)
        case .field(let condition):
            return isMet(conditions.fields[Int(condition)], head, caller)
        case .path(let test):
            return !head.path.isEmpty
                && conditions.isMet(test, by: head.path.withoutQuery, text: text)
        case .ports(let ports): return ports.contains(UInt32(caller.port))
        case .secured: return caller.names != nil
        case .name(let test):
            guard let names = caller.names else { return false }
            for name in names.all where isMet(test, by: name) { return true }
            return false
        case .address(let prefix):
            guard let address = caller.address else { return false }
            return prefix.begins(address)
        }
    }

    private func isMet(
        _ condition: FieldTest, _ head: borrowing RequestHead, _ caller: borrowing Caller
    ) -> Bool {
        switch condition.subject {
        case .method: return isMet(condition, head.methodBytes, isThere: true)
        case .authority:
            return isMet(condition, head.authority, isThere: !head.authority.isEmpty)
        case .path: return isMet(condition, head.path, isThere: !head.path.isEmpty)
        case .scheme:
            let scheme = text[caller.names != nil ? words.https : words.http]
            return isMet(condition, scheme, isThere: true)
        case .nothing: return isMet(condition, Span(), isThere: false)
        case .field:
            let name = text[condition.name]
            var isThere = false
            for index in head.fields.indices where isNamed(name, index, head) {
                isThere = true
                if conditions.isMet(condition.test, by: head.fields.value(at: index), text: text) {
                    return result(of: condition, isThere: true, isFulfilled: true)
                }
            }
            if isThere { return result(of: condition, isThere: true, isFulfilled: false) }
            return isMet(condition, Span(), isThere: false)
        }
    }

    private func isMet(_ test: TextTest, by name: [UInt8]) -> Bool {
        conditions.isMet(test, by: name.span, text: text)
    }

    private func isNamed(
        _ name: Span<UInt8>, _ index: Int, _ head: borrowing RequestHead
    ) -> Bool {
        let field = head.fields[index]
        // The upstream does not see what `Connection` names, nor what no client may say.
        if field.isHopByHop, !field.known.isHopByHop { return false }
        return Int(field.name.count) == name.count
            && head.fields.bytes(field.name).equalsIgnoringCase(name)
    }

    /// Looks at a value that is there once or not at all.
    private func isMet(_ condition: FieldTest, _ value: Span<UInt8>, isThere: Bool) -> Bool {
        result(
            of: condition, isThere: isThere,
            isFulfilled: conditions.isMet(condition.test, by: value, text: text))
    }

    /// What a condition comes to when one of the values is as it must be, or none; where no value
    /// is there, an empty one stands for it.
    private func result(of condition: FieldTest, isThere: Bool, isFulfilled: Bool) -> Bool {
        let isThere = isThere || condition.treatsMissingAsEmpty
        if let presence = condition.presence {
            return (isThere == presence) != condition.isInverted
        }
        return isThere && isFulfilled != condition.isInverted
    }
}
