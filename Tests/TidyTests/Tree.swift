import FoundationEssentials

/// One Swift file of the package, with what a rule looks at.
struct SourceFile {
    /// Relative to the package, such as `Sources/HTTP1/Writer.swift`.
    let path: String
    let text: String
    /// The text with the insides of comments and strings blanked, every newline kept.
    let code: String

    /// The target that the file belongs to: the folder below `Sources` or `Tests`.
    var module: String {
        String(path.split(separator: "/")[1])
    }

    var name: String {
        String(path.split(separator: "/").last ?? "")
    }

    var isGenerated: Bool {
        path.hasSuffix(".pb.swift")
    }
}

/// The files of the package that this test was built from.
enum Tree {
    static let root: String = {
        let folders = #filePath.split(separator: "/").dropLast(3)
        return "/" + folders.joined(separator: "/")
    }()

    static let sources = files(below: "Sources")
    static let tests = files(below: "Tests")
    /// The end-to-end tests, in Python; nothing in them is blanked.
    static let endToEnd = files(below: "Tests/EndToEnd", ending: ".py")

    static func text(of path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(root)/\(path)")
    }

    /// The names in one folder of the package, sorted.
    static func entries(of folder: String) -> [String] {
        let path = "\(root)/\(folder)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    private static func files(below folder: String, ending: String = ".swift") -> [SourceFile] {
        var found: [SourceFile] = []
        for entry in entries(of: folder) where !entry.hasPrefix(".") {
            let path = "\(folder)/\(entry)"
            if entry.hasSuffix(ending) {
                guard let text = try? text(of: path) else { continue }
                let code = ending == ".swift" ? CodeMask.apply(to: text) : text
                found.append(SourceFile(path: path, text: text, code: code))
            } else if !entry.contains(".") {
                found += files(below: path, ending: ending)
            }
        }
        return found
    }
}

/// A place that breaks a rule, printed the way an editor can jump to it.
struct Offence: CustomStringConvertible {
    let file: String
    let line: Int
    let hint: String

    var description: String {
        "\(file):\(line): \(hint)"
    }
}

/// One line an offence, so that a failed expectation can be read.
func report(_ offences: [Offence]) -> String {
    "\n" + offences.map(\.description).joined(separator: "\n")
}
