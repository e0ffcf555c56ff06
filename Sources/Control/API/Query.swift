import Bytes

/// The parameters behind the question mark, each known and each once.
struct Query {
    private let values: [String: String]

    /// Reads a query.
    ///
    /// - Parameters:
    ///   - text: As it was sent.
    ///   - known: The parameters that the call has; any other one is refused, for a typing error
    ///     in `dryRun` must not change anything.
    /// - Throws: ``Problem`` 400.
    init(_ text: String, known: [String]) throws(Problem) {
        var values: [String: String] = [:]
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decodePercent(parts[0], plusIsSpace: true),
                let value = decodePercent(
                    parts.count > 1 ? parts[1] : Substring().utf8, plusIsSpace: true)
            else {
                throw .query("query", "is not percent-encoded UTF-8")
            }
            if !known.contains(name) {
                let list = known.isEmpty ? "none" : known.joined(separator: ", ")
                throw .query(printable(name), "is not a parameter here; known are: \(list)")
            }
            if values.updateValue(value, forKey: name) != nil {
                throw .query(name, "is there twice")
            }
        }
        self.values = values
    }

    subscript(name: String) -> String? { values[name] }

    /// Whether a parameter that is `true` or `false` is true; missing is false.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil, "false": false
        case "true": true
        default: throw .query(name, "is neither true nor false")
        }
    }

    /// A whole number in bounds; `standard` when it is missing.
    func number(
        _ name: String, in bounds: ClosedRange<UInt64>, standard: UInt64
    ) throws(Problem) -> UInt64 {
        guard let text = values[name] else { return standard }
        guard let number = decimal(text), bounds.contains(number) else {
            throw .query(name, "is not a number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }
}

/// Undoes percent-encoding; `nil` when it is not that, or not UTF-8.
func decodePercent(_ text: Substring.UTF8View, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = rest.popFirst().flatMap(\.hexadecimalValue),
                let low = rest.popFirst().flatMap(\.hexadecimalValue)
            else { return nil }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

/// A number of decimal digits without a sign or leading zeros that SQLite can hold.
func decimal(_ text: some StringProtocol) -> UInt64? {
    let digits = text.utf8
    guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
        digits.count == 1 || digits.first != UInt8(ascii: "0")
    else { return nil }
    return UInt64(text)
}

/// The text, short and without control characters, so that it can be shown.
func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.prefix(64).map { scalar in
                scalar.value < 0x20 || scalar.value == 0x7F ? "\u{FFFD}" : scalar
            }))
}
