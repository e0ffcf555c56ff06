import Bytes
import Mesh
import Testing

@testable import Routing

@Suite struct `One form of a path` {
    static let resolving = PathNormalization(resolves: true)
    static let whole = PathNormalization(resolves: true, mergesSlashes: true)

    @Test(arguments: [
        ("/", "/"), ("/a/b.css", "/a/b.css"), ("/a..b/.c/d.", "/a..b/.c/d."), ("*", "*"), ("", ""),
        ("/.", "/"), ("/..", "/"), ("/./", "/"), ("/../", "/"), ("/../../a", "/a"),
        ("/a/.", "/a/"), ("/a/..", "/"), ("/a/../", "/"), ("/a/b/../c", "/a/c"),
        ("/a/b/..", "/a/"), ("/a/./b", "/a/b"), ("/a/b/../../../c", "/c"), ("/...", "/..."),
        ("/%61dmin", "/admin"), ("/%2e%2E/a", "/a"), ("/a/%2e/b", "/a/b"), ("/%7Eme", "/~me"),
        ("/a%20b", "/a%20b"), ("/%e4", "/%e4"), ("/%252e", "/%252e"), ("/a%2Fb", "/a%2Fb"),
        ("/a%", "refused"), ("/a%2", "refused"), ("/a%zz", "refused"), ("/%%361", "refused"),
        ("/a\\..\\b", "/b"), ("/a//b", "/a//b"), ("/a//../b", "/a/b"), ("//..", "/"),
        ("/a?b=/../%61", "/a?b=/../%61"), ("/a/..?x=//", "/?x=//"), ("/%61?%61", "/a?%61"),
    ])
    func `resolves what RFC 3986 §6_2_2 calls the same`(path: String, expected: String) {
        #expect(normalized(path, by: Self.resolving) == expected)
    }

    @Test(arguments: [
        ("/", "/"), ("//", "/"), ("///a////b//", "/a/b/"), ("/a//../b", "/a/b"),
        ("/a?b=//", "/a?b=//"), ("//a?//", "/a?//"), ("/%2F/", "/%2F/"),
    ])
    func `merges slashes when dots are gone`(path: String, expected: String) {
        #expect(normalized(path, by: Self.whole) == expected)
    }

    @Test(arguments: [
        ("/a%2fb%5Cc", "/a/b\\c"), ("/a%2F..%2fb", "/a/../b"), ("/%61", "/%61"),
        ("/a//b", "/a//b"), ("/a?b=%2F", "/a?b=%2F"),
    ])
    func `unescapes slashes alone`(path: String, expected: String) {
        #expect(normalized(path, by: PathNormalization(escapedSlashes: .unescape)) == expected)
    }

    @Test func `resolves what was behind escaped slashes`() {
        let all = PathNormalization(
            resolves: true, mergesSlashes: true, escapedSlashes: .unescape)
        #expect(normalized("/a%2F..%5cadmin%2F%2F", by: all) == "/admin/")
    }

    @Test(arguments: [("/a%2Fb", true), ("/a%5cb?", true), ("/a/b?c=%2F", false), ("/%61", false)])
    func `refuses escaped slashes in the path`(path: String, isRefused: Bool) {
        var buffer = Buffer()
        let outcome = PathNormalization(escapedSlashes: .reject)
            .normalize(path.utf8.span, to: &buffer)
        #expect(outcome == (isRefused ? .refused : .unchanged))
    }

    @Test(arguments: [("/a%2Fb", "/a/b"), ("/a%2Fb/../%63?x=%2F", "/a/c?x=%2F")])
    func `sends clients to where slashes are not escaped`(path: String, location: String) {
        var buffer = Buffer()
        let outcome = PathNormalization(resolves: true, escapedSlashes: .redirect)
            .normalize(path.utf8.span, to: &buffer)
        #expect(outcome == .redirected)
        #expect(String(buffer.bytes) == location)
    }

    @Test func `does not send them elsewhere for anything else`() {
        var buffer = Buffer()
        let outcome = PathNormalization(resolves: true, escapedSlashes: .redirect)
            .normalize("/a/../b".utf8.span, to: &buffer)
        #expect(outcome == .rewritten)
    }

    @Test func `is reached in one step, and is never longer`() {
        var generator = SeededGenerator(seed: .random(in: 0 ... .max))
        let parts = ["/", ".", "..", "%2e", "%2F", "%5c", "\\", "a", "%61", "%", "%2", "?", "b/"]
        let slashes: [PathNormalization.EscapedSlashes] = [.keep, .unescape]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let chosen = (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }
            let path = "/" + chosen.joined()
            let form = PathNormalization(
                resolves: true, mergesSlashes: .random(using: &generator),
                escapedSlashes: slashes.randomElement(using: &generator) ?? .keep)
            let once = normalized(path, by: form)
            if once == "refused" { continue }
            #expect(normalized(once, by: form) == once, "\(path), seed \(generator.seed)")
            #expect(once.utf8.count <= path.utf8.count, "\(path), seed \(generator.seed)")
            let segments = once.split(separator: "?", maxSplits: 1)[0].split(separator: "/")
            #expect(
                once.hasPrefix("/") && !segments.contains(".") && !segments.contains(".."),
                "\(path) became \(once), seed \(generator.seed)")
        }
    }

    private func normalized(_ path: String, by form: PathNormalization) -> String {
        var buffer = Buffer()
        switch form.normalize(path.utf8.span, to: &buffer) {
        case .unchanged: return path
        case .rewritten: return String(buffer.bytes)
        case .redirected: return "redirected"
        case .refused: return "refused"
        }
    }
}
