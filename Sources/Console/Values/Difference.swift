/// What changes from one document to another, leaf by leaf.
public struct Difference: Equatable, Sendable {
    public enum Change: Equatable, Sendable {
        case added(String)
        case removed(String)
        case changed(from: String, to: String)
    }

    public struct Line: Equatable, Sendable {
        /// Where the leaf stands: `routes[beta].split.v2`.
        public var path: String
        public var change: Change
    }

    public let lines: [Line]

    public var isEmpty: Bool { lines.isEmpty }

    /// Compares two documents; elements of arrays are paired by their `name`, else by position.
    public init(from old: JSONValue?, to new: JSONValue?) {
        let before = Self.leaves(of: old)
        let after = Self.leaves(of: new)
        var lines: [Line] = []
        for path in Set(before.keys).union(after.keys).sorted() {
            switch (before[path], after[path]) {
            case (nil, let added?): lines.append(Line(path: path, change: .added(added)))
            case (let removed?, nil): lines.append(Line(path: path, change: .removed(removed)))
            case (let from?, let to?):
                if from != to {
                    lines.append(Line(path: path, change: .changed(from: from, to: to)))
                }
            case (nil, nil): break
            }
        }
        self.lines = lines
    }

    /// The lines as text, `+` for what is new, `-` for what goes, `~` for what changes.
    public func render(indentation: Int, palette: Palette) -> String {
        let margin = String(repeating: " ", count: indentation)
        return lines.map { line in
            switch line.change {
            case .added(let value):
                margin + palette.paint("+ \(line.path): \(value)", .good) + "\n"
            case .removed(let value):
                margin + palette.paint("- \(line.path): \(value)", .bad) + "\n"
            case .changed(let from, let to):
                margin + palette.paint("~ \(line.path): \(from) → \(to)", .caution) + "\n"
            }
        }.joined()
    }

    private static func leaves(of value: JSONValue?) -> [String: String] {
        var leaves: [String: String] = [:]
        if let value { collect(value, path: "", into: &leaves) }
        return leaves
    }

    private static func collect(
        _ value: JSONValue, path: String, into leaves: inout [String: String]
    ) {
        switch value {
        case .null: break
        case .bool, .integer, .number, .string: leaves[path] = value.plainText
        case .object(let members):
            for (name, member) in members {
                collect(member, path: path.isEmpty ? name : "\(path).\(name)", into: &leaves)
            }
        case .array(let elements):
            if elements.allSatisfy({ $0.members.isEmpty && $0.elements.isEmpty }) {
                leaves[path] = elements.map(\.plainText).joined(separator: ", ")
                return
            }
            for (position, element) in elements.enumerated() {
                var rest = element
                let label = Self.takeLabel(of: &rest) ?? String(position)
                collect(rest, path: "\(path)[\(label)]", into: &leaves)
            }
        }
    }

    /// Takes the name away that pairs the element with its other self, unless it is all there is.
    private static func takeLabel(of element: inout JSONValue) -> String? {
        guard case .object(var members) = element, let name = members["name"]?.text else {
            return nil
        }
        if members.count > 1 {
            members["name"] = nil
            element = .object(members)
        }
        return name
    }
}
