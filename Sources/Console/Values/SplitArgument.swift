/// The weights of a split as they are typed: `v1=95 v2=5`.
public struct SplitArgument: Equatable, Sendable {
    /// One version and its weight, in the order in which they were typed.
    public struct Entry: Equatable, Sendable {
        public var version: String
        public var weight: Double
    }

    public let entries: [Entry]

    /// Most versions that one split can name on the command line.
    public static let entryLimit = 256

    /// Reads `VERSION=WEIGHT` arguments; a weight is any non-negative decimal, with or without `%`.
    ///
    /// - Throws: ``ConsoleError/weights(_:)`` when an argument is malformed, a version is named
    ///   twice, or the weights sum to zero.
    public init(parsing arguments: [String]) throws(ConsoleError) {
        if arguments.isEmpty { throw .weights(.none) }
        if arguments.count > Self.entryLimit { throw .weights(.tooMany(limit: Self.entryLimit)) }
        var entries: [Entry] = []
        for argument in arguments {
            let entry = try Self.entry(argument)
            if entries.contains(where: { $0.version == entry.version }) {
                throw .weights(.repeated(version: entry.version))
            }
            entries.append(entry)
        }
        if entries.allSatisfy({ $0.weight == 0 }) { throw .weights(.allZero) }
        self.entries = entries
    }

    /// The body of `PUT /v1/services/{name}/split`.
    public var requestBody: JSONValue {
        var weights: [String: JSONValue] = [:]
        for entry in entries { weights[entry.version] = .weight(entry.weight) }
        return ["weights": .object(weights)]
    }

    private static func entry(_ argument: String) throws(ConsoleError) -> Entry {
        guard let equals = argument.lastIndex(of: "=") else {
            throw .weights(.malformed(argument: argument))
        }
        let version = String(argument[..<equals])
        var digits = argument[argument.index(after: equals)...]
        if digits.last == "%" { digits.removeLast() }
        if version.isEmpty || digits.isEmpty { throw .weights(.malformed(argument: argument)) }
        if digits.first == "-" { throw .weights(.negative(argument: argument)) }
        let isDecimal = digits.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        guard isDecimal, let weight = Double(String(digits)), weight.isFinite else {
            throw .weights(.malformed(argument: argument))
        }
        return Entry(version: version, weight: weight)
    }
}

extension JSONValue {
    /// A weight as JSON: a whole number where it is one.
    static func weight(_ value: Double) -> JSONValue {
        if let whole = Int64(exactly: value) { return .integer(whole) }
        return .number(value)
    }
}
