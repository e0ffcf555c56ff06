import Testing

@Suite struct `What is not written here` {
    static let inLibraries = [
        Ban(pattern: #"\bfatalError\("#, hint: "preconditionFailure with the reason, or an error"),
        Ban(pattern: #"\btry!"#, hint: "handle the error"),
        Ban(pattern: #"\bas!"#, hint: "as? with a guard"),
        Ban(pattern: #"^\s*import Foundation$"#, hint: "FoundationEssentials, above all I/O"),
        Ban(pattern: #"@unchecked Sendable"#, hint: "Sendable members, Mutex or Atomic"),
        Ban(pattern: #"nonisolated\(unsafe\)"#, hint: "a stored property of one owner"),
        Ban(pattern: #"\bSIMD\d"#, hint: "words of eight bytes: SIMD types are slow in 6.3"),
        Ban(pattern: #"\b(Task|async|await)\b\s*[{(]"#, hint: "the event loop; nothing awaits"),
        Ban(
            pattern: #"\b(class|struct|enum|protocol|actor) \w*(Manager|Helper|Util|Impl)\b"#,
            hint: "name it for what it is"),
    ]

    static let inText = [
        Ban(pattern: #"TODO|FIXME|XXX"#, hint: "do it, or open an issue"),
        Ban(
            pattern: #"not implemented|unimplemented|for now\b|simplified"#,
            hint: "finish it, or say why it is right as it is"),
        Ban(pattern: #"^// (={3,}|-{3,}|\*{3,})|^//\s+Created by"#, hint: "no banners"),
    ]

    static let inTests = [
        Ban(pattern: #"\b(u|nano)?sleep\("#, hint: "wait for the condition"),
        Ban(pattern: #"Task\.sleep"#, hint: "wait for the condition"),
        Ban(pattern: #"^import XCTest"#, hint: "Swift Testing"),
    ]

    @Test(arguments: inLibraries)
    func `nor in the sources`(ban: Ban) {
        let offences = written(Tree.sources).flatMap(ban.offences)
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test(arguments: inText)
    func `nor in a comment`(ban: Ban) {
        let files = written(Tree.sources) + Tree.tests.filter { $0.module != "TidyTests" }
        let offences = files.flatMap(ban.offencesInText)
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test(arguments: inTests)
    func `nor in a test`(ban: Ban) {
        let offences = Tree.tests.flatMap(ban.offences)
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `libraries print nothing`() {
        let ban = Ban(pattern: #"(^|[^.\w])(print|debugPrint|dump)\("#, hint: "return the text")
        let programs = ["pointsman-proxy", "pointsman-control", "pointsman"]
        let offences = written(Tree.sources).filter { !programs.contains($0.module) }
            .flatMap(ban.offences)
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `a placeholder goes when the first real file comes`() {
        let files = Tree.sources + Tree.tests
        let filled = Set(files.filter { $0.name != "Placeholder.swift" }.map(\.module))
        let left = files.filter { $0.name == "Placeholder.swift" && filled.contains($0.module) }
        #expect(left.isEmpty, "\(left.map(\.path))")
    }

    @Test func `an RFC is named with its number and section`() {
        var offences: [Offence] = []
        for file in written(Tree.sources) {
            // A mention may be broken over two lines of a comment.
            let joined = file.text.replacing(/\s*\n\s*\/\/\/? ?/, with: " ")
            for match in joined.matches(of: /\bRFC\b(?! \d+ §)(.{0,12})/) {
                let place = "write the number and the section: RFC\(match.1)"
                offences.append(Offence(file: file.path, line: 1, hint: place))
            }
        }
        #expect(offences.isEmpty, "\(report(offences))")
    }

    private func written(_ files: [SourceFile]) -> [SourceFile] {
        files.filter { !$0.isGenerated }
    }
}
