import Testing

/// Something that must not be written, and what to write in its place.
struct Ban: Sendable, CustomTestStringConvertible {
    let pattern: String
    /// One of these is in whatever matches; a file without them needs no slow look.
    let needles: [String]
    let hint: String

    var testDescription: String { pattern }

    /// Every line of the file's code that has it.
    func offences(in file: SourceFile) -> [Offence] {
        offences(in: file.code, path: file.path)
    }

    /// Every line of the file that has it, comments included.
    func offencesInText(of file: SourceFile) -> [Offence] {
        offences(in: file.text, path: file.path)
    }

    private func offences(in text: String, path: String) -> [Offence] {
        guard needles.contains(where: text.contains) else { return [] }
        guard let expression = try? Regex(pattern) else {
            return [Offence(file: path, line: 0, hint: "the pattern \(pattern) is wrong")]
        }
        // By Unicode's rules there is no boundary at the point of `time.sleep`.
        let regex = expression.wordBoundaryKind(.simple)
        var found: [Offence] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        where needles.contains(where: line.contains) && line.firstMatch(of: regex) != nil {
            found.append(Offence(file: path, line: number + 1, hint: hint))
        }
        return found
    }
}
