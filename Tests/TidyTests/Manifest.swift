/// The tables of Package.swift that say who may import whom.
struct Manifest {
    /// Every library and the modules below it.
    let floors: [String: [String]]
    /// Every program and its modules.
    let programs: [String: [String]]
    /// Products of other packages by the target that uses them.
    let products: [String: [String]]

    init() throws {
        let text = try Tree.text(of: "Package.swift")
        floors = Self.table("let floors", in: text)
        programs = Self.table("let programs", in: text)
        products = Self.table("let products", in: text)
    }

    func modules(below target: String) -> [String] {
        (floors[target] ?? programs[target] ?? []) + (products[target] ?? [])
    }

    /// Reads `"key": [ … ]` entries from the declaration that starts with `start` to its `]`.
    private static func table(_ start: String, in text: String) -> [String: [String]] {
        guard let head = text.firstRange(of: start) else { return [:] }
        let rest = text[head.upperBound...]
        let body = rest[..<(rest.firstRange(of: "\n]")?.lowerBound ?? rest.endIndex)]
        var table: [String: [String]] = [:]
        for entry in body.matches(of: /"([\w-]+)":\s*\[([^\]]*)\]/) {
            table[String(entry.1)] = names(in: entry.2)
        }
        return table
    }

    private static func names(in list: Substring) -> [String] {
        let products = list.matches(of: /name: "(\w+)"/).map { String($0.1) }
        return products.isEmpty ? list.matches(of: /"([\w-]+)"/).map { String($0.1) } : products
    }
}
