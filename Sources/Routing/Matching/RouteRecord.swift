/// What a request must be like to match a route; ranges are parts of the table's lists.
struct RouteTest: Sendable {
    var path: PathTest
    var fields: Range<Int32>
    var queries: Range<Int32>
    var isGRPC: Bool
    /// Whether there is nothing but the path.
    let isPathOnly: Bool

    init(path: PathTest, fields: Range<Int32>, queries: Range<Int32>, isGRPC: Bool) {
        self.path = path
        self.fields = fields
        self.queries = queries
        self.isGRPC = isGRPC
        isPathOnly = fields.isEmpty && queries.isEmpty && !isGRPC
    }
}

/// What is done with a request of a route; ranges are parts of the table's lists.
struct RouteRecord: Sendable {
    /// What ``RouteTable/destination(of:key:)`` looks at.
    enum Target: Sendable {
        case entry(Int32)
        case split(Int32)
        /// The route does not forward.
        case nowhere
    }

    enum PathRewrite: Sendable {
        case none
        case prefix(TextRange)
        /// The number of the rewrite.
        case regex(Int32)
    }

    enum HostRewrite: Sendable {
        case none
        case literal(TextRange)
        case field(TextRange)
    }

    var name: TextRange
    var action: CompiledAction
    var target = Target.nowhere
    var pathRewrite = PathRewrite.none
    var hostRewrite = HostRewrite.none
    /// Of ``RouteTable/redirects``; `-1` when the route does not redirect.
    var redirect: Int32 = -1
    var body = TextRange.empty
    var hashPolicies: Range<Int32> = 0..<0
    var retriableStatuses: Range<Int32> = 0..<0
    var streamLimits: CompiledStreamLimits?
    var requestMutations: Range<Int32> = 0..<0
    var responseMutations: Range<Int32> = 0..<0
}

/// A cluster that requests of a route may go to.
struct EntryRecord: Sendable {
    var cluster: Int32
    var requestMutations: Range<Int32> = 0..<0
    var responseMutations: Range<Int32> = 0..<0
    var hostRewrite: TextRange?
}

/// A split of a route over entries.
struct SplitRecord: Sendable {
    var root: Split.Branch
    /// Where its nodes begin in the table's list.
    var firstNode: Int32
    /// Where its entries begin in the table's list.
    var firstEntry: Int32
    var sequence: Int32
    /// That of the sequence.
    var seed: UInt64
    /// Empty when the split is not sticky.
    var sticky: Range<Int32>
    var salt: UInt64
}

/// What of a request makes it belong to the same user.
struct HashPolicyRecord: Sendable {
    enum Source: Sendable {
        case field, cookie, sourceAddress, queryParameter
    }

    var source: Source
    var name = TextRange.empty
    var isTerminal: Bool
    /// For a cookie: whether one is generated when it is missing.
    var isGenerated = false
    /// For a generated cookie: what stands behind its value in `Set-Cookie`.
    var attributes = TextRange.empty
}

/// One change of a head's fields.
struct MutationRecord: Sendable {
    enum Kind: Sendable {
        case remove, append, addIfAbsent, overwrite, overwriteIfExists
    }

    var kind: Kind
    var name: TextRange
    var value: TextRange
}

/// Where a redirect leads.
struct RedirectRecord: Sendable {
    enum Path: Sendable {
        case keep
        case replace(TextRange, hasQuery: Bool)
        case prefix(TextRange)
        case regex(Int32)
    }

    var scheme: TextRange?
    var host: TextRange?
    var port: UInt16?
    var path: Path
    var stripsQuery: Bool
}
