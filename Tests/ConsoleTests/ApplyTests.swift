import Console
import Kernel
import Testing

@Suite struct `Applying a file` {
    static let yaml = """
        services:
          reviews:
            versions:
              v1: { endpoints: ["127.0.0.1:9001"] }
            routes:
              - split: { v1: 99.5, v2: 0.5 }
          ratings:
            versions: { v1: { endpoints: [] } }
        """
    static let absent = ScriptedServer.Reply(404, #"{"detail":"there is no service"}"#)
    static func reply(_ revision: Int, changed: Bool = true) -> ScriptedServer.Reply {
        let diff =
            changed
            ? #"{"path":"services.reviews.routes.default.split.v1","before":100,"after":99.5}"# : ""
        return .init(200, #"{"revision":\#(revision),"changed":\#(changed),"diff":[\#(diff)]}"#)
    }

    private func file() throws(ConsoleError) -> ServiceFile {
        try ServiceFile(parsing: Array(Self.yaml.utf8), path: "mesh.yaml")
    }

    @Test func `checks everything before it changes anything`() throws {
        let run = try Run([
            .init(200, "{}", tag: "\"r3\""), Self.reply(4), Self.absent,
            .init(
                422,
                #"""
                {"detail":"versions: is missing",
                "errors":[{"path":"versions","reason":"is missing"}]}
                """#),
        ]) { session throws(ConsoleError) in
            try session.apply(try file(), prunes: false, options: .init())
        }
        #expect(run.status == .failure)
        #expect(run.messages == "error: ratings: versions: is missing\n")
        let body =
            #"{"routes":[{"split":{"v1":99.5,"v2":0.5}}],"#
            + #""versions":{"v1":{"endpoints":["127.0.0.1:9001"]}}}"#
        #expect(
            run.requests == [
                "GET /v1/services/reviews",
                "PUT /v1/services/reviews?dryRun=true | x-pointsman-user: ada | "
                    + #"if-match: "r3" | \#(body)"#,
                "GET /v1/services/ratings",
                "PUT /v1/services/ratings?dryRun=true | x-pointsman-user: ada | "
                    + #"if-none-match: * | {"versions":{"v1":{"endpoints":[]}}}"#,
            ])
    }

    @Test func `shows what changes and leaves alone what does not`() throws {
        let run = try Run([
            .init(200, "{}"), Self.reply(4), .init(200, "{}"), Self.reply(3, changed: false),
            Self.reply(4),
        ]) { session throws(ConsoleError) in
            try session.apply(try file(), prunes: false, options: .init(reason: "why"))
        }
        #expect(
            run.output == """
                reviews: changed (revision 4)
                  ~ routes.default.split.v1: 100 → 99.5
                ratings: unchanged

                """)
        #expect(run.requests.count == 5)
        #expect(run.requests.last?.hasPrefix("PUT /v1/services/reviews?reason=why | ") == true)
    }

    @Test func `removes what the file does not name only when asked to`() throws {
        let run = try Run([
            .init(200, "{}"), Self.reply(4, changed: false), .init(200, "{}"),
            Self.reply(4, changed: false),
            .init(200, #"{"items":[{"name":"old"},{"name":"ratings"}],"next":null}"#),
            .init(200, #"{"revision":5,"changed":true,"diff":[]}"#),
        ]) { session throws(ConsoleError) in
            try session.apply(try file(), prunes: true, options: .init(isDryRun: true))
        }
        #expect(run.requests.last == "DELETE /v1/services/old?dryRun=true | x-pointsman-user: ada")
        #expect(
            run.output == """
                reviews: unchanged
                ratings: unchanged
                old: removed (dry run, nothing is changed)

                """)
    }

    @Test(arguments: [
        ("", "mesh.yaml: there is no service in it"),
        ("services: {}", "mesh.yaml: there is no service in it"),
        ("service: {}", "mesh.yaml: 'service' is not known; only 'services' is"),
        ("[]", "mesh.yaml: there is no service in it"),
        ("- { versions: {} }", "mesh.yaml: a service in a list needs its 'name'"),
        ("services: { a: [] }", "mesh.yaml: 'services.a' must be a mapping"),
        ("services: [ { name: a } ]", "mesh.yaml: 'services' must be a mapping"),
        ("services:", "mesh.yaml: there is no service in it"),
        ("[ { name: a }, { name: a } ]", "mesh.yaml: service 'a' stands twice"),
        (
            "services: { a: {}, a: {} }",
            "mesh.yaml: line 1, column 20: the key \"a\" stands twice"
        ),
    ])
    func `refuses a file that is no list of services`(text: String, message: String) throws {
        let error = try #require(throws: ConsoleError.self) {
            try ServiceFile(parsing: Array(text.utf8), path: "mesh.yaml")
        }
        #expect(error.message == message)
        #expect(error.exitStatus == .usage)
    }

    @Test func `takes JSON too`() throws {
        let file = try ServiceFile(
            parsing: Array(#"{"services":{"a":{"protocol":"grpc"}}}"#.utf8), path: "-")
        #expect(file.entries.map(\.name) == ["a"])
        #expect(file.entries.map(\.document) == [["protocol": "grpc"]])
    }

    @Test(arguments: [
        "name: a\nrevision: 3\nversions: {}\n", "- name: a\n  revision: 3\n  versions: {}\n",
    ])
    func `takes what get prints`(text: String) throws {
        let file = try ServiceFile(parsing: Array(text.utf8), path: "-")
        #expect(file.entries.map(\.name) == ["a"])
        #expect(file.entries.map(\.document) == [["name": "a", "revision": 3, "versions": [:]]])
    }

    @Test func `says when the file cannot be read`() {
        #expect(throws: ConsoleError.file(path: "/nonexistent", .notFound)) {
            try ServiceFile(reading: "/nonexistent")
        }
    }
}
