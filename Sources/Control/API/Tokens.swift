import TLS

/// Who may use the API: named secrets from a file.
struct Tokens {
    /// The shortest secret in bytes.
    static let shortest = 16
    /// The most lines that name one.
    static let limit = 1000

    /// Why a file cannot be used; lines count from one.
    enum Failure: Error, Equatable {
        case notUTF8
        case noToken
        case tooMany
        case line(Int)
    }

    private let entries: [(name: String, secret: [UInt8])]

    /// Reads `name:token` lines; empty lines and those that begin with `#` are passed over.
    ///
    /// - Throws: ``Failure`` when a line is anything else, or no token is there.
    init(parsing file: [UInt8]) throws(Failure) {
        guard let text = String(validating: file, as: UTF8.self) else { throw .notUTF8 }
        var entries: [(name: String, secret: [UInt8])] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 128,
                parts[1].utf8.count >= Self.shortest,
                line.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else { throw .line(index + 1) }
            entries.append((String(parts[0]), Array(parts[1].utf8)))
        }
        if entries.isEmpty { throw .noToken }
        if entries.count > Self.limit { throw .tooMany }
        self.entries = entries
    }

    /// The name of the one whose token stands in an `Authorization` field; `nil` if it is nobody's.
    ///
    /// The time that it takes tells nothing of the tokens but their lengths.
    func name(authorization: String?) -> String? {
        guard let authorization else { return nil }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let given = Array(parts[1].utf8)
        var name: String?
        for entry in entries where SecureBytes.areEqual(entry.secret, given) { name = entry.name }
        return name
    }
}
