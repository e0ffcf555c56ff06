import Testing

@Suite struct `Sizes` {
    static let longestFile = 500
    static let longestFunction = 70
    static let longestLine = 100

    @Test func `a file is short enough to be read`() {
        let long = written.filter { lines(of: $0.text).count > Self.longestFile }
        #expect(long.isEmpty, "\(long.map(\.path))")
    }

    @Test func `a line fits the page`() {
        var offences: [Offence] = []
        for file in written {
            for (number, line) in lines(of: file.text).enumerated()
            where line.count > Self.longestLine {
                offences.append(
                    Offence(file: file.path, line: number + 1, hint: "\(line.count) columns"))
            }
        }
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `a function fits on a screen`() {
        var offences: [Offence] = []
        for file in written {
            for function in FunctionBody.all(in: file.code)
            where function.lineCount > Self.longestFunction {
                let hint = "\(function.lineCount) lines; split it where the stages are"
                offences.append(Offence(file: file.path, line: function.line, hint: hint))
            }
        }
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test(arguments: [
        ("func a() {\n1\n2\n}", [4]),
        ("protocol P {\n    func a()\n    func b() -> Int\n}\nfunc c() {\n}", [2]),
        ("init(_ a: Int = { 1 }()) {\n\n\n}", [4]),
        ("func a() {\n    func b() {\n    }\n}", [4, 2]),
        (#"func a() { "}" }"#, [1]),
        ("let x = \"\\(f(\"}\"))\"\nfunc a() {\n// }\n}", [3]),
    ])
    func `are measured on code alone`(text: String, lineCounts: [Int]) {
        let found = FunctionBody.all(in: CodeMask.apply(to: text)).map(\.lineCount)
        #expect(found == lineCounts)
    }

    private var written: [SourceFile] {
        (Tree.sources + Tree.tests).filter { !$0.isGenerated }
    }

    private func lines(of text: String) -> [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }
}
