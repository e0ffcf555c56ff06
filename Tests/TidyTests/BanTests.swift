import Testing

@Suite struct `What is not written here` {
    static let inLibraries = [
        Ban(
            pattern: #"\bfatalError\("#, needles: ["fatalError"],
            hint: "preconditionFailure with the reason, or an error"),
        Ban(pattern: #"\btry!"#, needles: ["try!"], hint: "handle the error"),
        Ban(pattern: #"\bas!"#, needles: ["as!"], hint: "as? with a guard"),
        Ban(
            pattern: #"^(public )?import Foundation$"#, needles: ["import Foundation"],
            hint: "FoundationEssentials, above all I/O"),
        Ban(
            pattern: #"nonisolated\(unsafe\)"#, needles: ["nonisolated"],
            hint: "a stored property of one owner"),
        Ban(
            pattern: #"\bSIMD\d"#, needles: ["SIMD"],
            hint: "words of eight bytes: SIMD types are slow in 6.3"),
        Ban(
            pattern: #"\bTask(\.\w+)?\s*[{(]|\)\s*async\b|\bawait\b"#,
            needles: ["Task", "async", "await"], hint: "the event loop; nothing awaits"),
        Ban(
            pattern: #"\b(class|struct|enum|protocol|actor) \w*(Manager|Helper|Util|Impl)\b"#,
            needles: ["Manager", "Helper", "Util", "Impl"], hint: "name it for what it is"),
    ]

    static let inText = [
        Ban(
            pattern: #"TODO|FIXME|XXX"#, needles: ["TODO", "FIXME", "XXX"],
            hint: "do it, or open an issue"),
        Ban(
            pattern: #"[Nn]ot yet (implemented|supported)|simplified for"#,
            needles: ["ot yet ", "simplified"],
            hint: "finish it, or say why it is right as it is"),
        Ban(
            pattern: #"^// (={3,}|-{3,}|\*{3,})|^//\s+Created by"#,
            needles: ["// =", "// -", "// *", "Created by"], hint: "no banners"),
    ]

    static let inTests = [
        Ban(
            pattern: #"\b(u|nano)?sleep\("#, needles: ["sleep("],
            hint: "wait for the condition"),
        Ban(pattern: #"Task\.sleep"#, needles: ["Task.sleep"], hint: "wait for the condition"),
        Ban(pattern: #"^import XCTest"#, needles: ["XCTest"], hint: "Swift Testing"),
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

    static let pause = Ban(
        pattern: #"\bsleep\(|\bEvent\(\)\.wait\("#, needles: ["sleep(", ").wait("],
        hint: "wait for the condition (harness/programs.py), or observe (harness/timing.py)")

    @Test(arguments: ["sleep(1)", "time.sleep(1)", "    threading.Event().wait(1)"])
    func `a pause is seen for what it is`(line: String) {
        let file = SourceFile(path: "a.py", text: line, code: line)
        #expect(Self.pause.offences(in: file).map(\.line) == [1])
    }

    @Test func `nor does an end-to-end test pause`() {
        #expect(!Tree.endToEnd.isEmpty)
        let offences = Tree.endToEnd.flatMap(Self.pause.offences)
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `libraries print nothing`() {
        let ban = Ban(
            pattern: #"(^|[^.\w])(print|debugPrint|dump)\("#, needles: ["rint(", "dump("],
            hint: "return the text")
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
        for file in written(Tree.sources) where file.text.contains("RFC") {
            // A mention may be broken over two lines of a comment.
            let joined = file.text.replacing(/\s*\n\s*\/\/\/? ?/, with: " ")
            for match in joined.matches(of: /\bRFC\b(?! \d+ §)(.{0,12})/) {
                let place = "write the number and the section: RFC\(match.1)"
                offences.append(Offence(file: file.path, line: 1, hint: place))
            }
        }
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `every module says what it is`() throws {
        for module in try Manifest().floors.keys.sorted() {
            let page = "Sources/\(module)/\(module).docc/\(module).md"
            #expect(Tree.exists(page), "\(page) is missing")
        }
    }

    private func written(_ files: [SourceFile]) -> [SourceFile] {
        files.filter { !$0.isGenerated }
    }
}
