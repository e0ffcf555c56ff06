import Mesh
import Testing

@testable import Routing

@Suite struct `The first match` {
    /// Random tables against a matcher that walks the routes and knows no index.
    @Test func `is that of a walk over all routes`() throws {
        var generator = SeededGenerator(seed: 2026)
        for _ in 0..<60 {
            let count = Int.random(in: 1...40, using: &generator)
            let matches = try (0..<count).map { _ in try Self.match(&generator) }
            let table = try makeTable(
                try matches.enumerated().map { try makeRoute("\($0)", $1) })
            for _ in 0..<60 {
                let request = Self.request(&generator)
                let expected = matches.firstIndex { Self.isMet($0, by: request) }.map(String.init)
                #expect(
                    table.name(for: request) == expected,
                    "\(request) in \(matches), seed \(generator.seed)")
            }
        }
    }

    @Test func `among ten thousand routes is found`() throws {
        var routes = try (0..<10_000).map { number in
            try makeRoute(
                "\(number)",
                RouteMatch(
                    path: number % 2 == 0
                        ? .exact("/service/\(number)/items") : .prefix("/service/\(number)/")))
        }
        routes.append(try makeRoute("rest", RouteMatch(path: .prefix("/"))))
        let table = try makeTable(routes)
        for number in stride(from: 0, to: 10_000, by: 7) {
            #expect(table.name(for: Request("/service/\(number)/items?x=1")) == "\(number)")
        }
        #expect(table.name(for: Request("/service/10000/items")) == "rest")
    }

    private static let segments = ["/a", "/b", "/A", "/ab", "/", "/a/b", "?a", "#"]

    private static func text(_ generator: inout SeededGenerator) -> String {
        let count = Int.random(in: 1...3, using: &generator)
        return (0..<count).map { _ in segments.randomElement(using: &generator) ?? "/" }.joined()
    }

    private static func match(_ generator: inout SeededGenerator) throws -> RouteMatch {
        let path = text(&generator)
        let matcher: PathMatcher =
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1, 2: .prefix(path)
            case 3, 4: .exact(path)
            case 5: try .regex(parsing: "/a.*")
            default:
                (try? PathMatcher.separatedPrefix(parsing: path)) ?? .exact(path)
            }
        let header = try HeaderMatcher(name: "x", .present(true))
        return RouteMatch(
            path: matcher, isCaseSensitive: Int.random(in: 0..<5, using: &generator) > 0,
            headers: Int.random(in: 0..<3, using: &generator) == 0 ? [header] : [])
    }

    private static func request(_ generator: inout SeededGenerator) -> Request {
        Request(text(&generator), Bool.random(using: &generator) ? [("x", "")] : [])
    }

    private static func isMet(_ match: RouteMatch, by request: Request) -> Bool {
        if !match.headers.isEmpty, request.fields.isEmpty { return false }
        let path = String(request.path.prefix { $0 != "?" && $0 != "#" })
        func folded(_ text: String) -> String {
            match.isCaseSensitive ? text : text.lowercased()
        }
        switch match.path {
        case .prefix(let text): return folded(path).hasPrefix(folded(text))
        case .exact(let text): return folded(path) == folded(text)
        case .separatedPrefix(let prefix):
            let (path, text) = (folded(path), folded(prefix.text))
            return path == text || path.hasPrefix(text + "/")
        case .regex: return path.hasPrefix("/a")
        }
    }
}
