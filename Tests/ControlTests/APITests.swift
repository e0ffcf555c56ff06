import Foundation
import Testing

@testable import Control

@Suite struct `The API` {
    @Test func `makes, shows, changes and takes away a service`() throws {
        let bench = try Bench()
        let made = bench.send("PUT", "/v1/services/reviews?reason=first", reviews)
        #expect(made.status == 201)
        #expect(made.value(of: "etag") == "\"r1\"")
        #expect(made.value(of: "pointsman-revision") == "1")
        #expect(made.json["changed"] as? Bool == true)

        let shown = bench.send("GET", "/v1/services/reviews")
        #expect(shown.status == 200)
        #expect(shown.json["revision"] as? Int == 1)
        #expect(shown.json["name"] as? String == "reviews")

        // What was shown can be put back, and is then no change.
        let again = bench.send(
            "PUT", "/v1/services/reviews", String(decoding: shown.body, as: UTF8.self))
        #expect(again.status == 200)
        #expect(again.json["changed"] as? Bool == false)
        #expect(again.json["revision"] as? Int == 1)

        #expect(bench.send("DELETE", "/v1/services/reviews").json["revision"] as? Int == 2)
        #expect(bench.send("GET", "/v1/services/reviews").status == 404)
        #expect(bench.send("DELETE", "/v1/services/reviews").status == 404)
        #expect(bench.pushed == [1, 2])
    }

    @Test func `shifts a split and says what changed`() throws {
        let bench = try Bench()
        bench.send("PUT", "/v1/services/reviews", reviews)
        let ambiguous = bench.send("GET", "/v1/services/reviews/split")
        #expect(ambiguous.status == 400)
        #expect(ambiguous.wrongPaths == ["route"])

        let shown = bench.send("GET", "/v1/services/reviews/split?route=default")
        #expect(shown.json["weights"] as? [String: Double] == ["v1": 95, "v2": 5])

        let target = "/v1/services/reviews/split?route=default&reason=canary%20looks+good"
        let changed = bench.send(
            "PUT", target, #"{"weights": {"v1": 1, "v2": 2}}"#, ["X-Pointsman-User": "ada"])
        #expect(changed.status == 200)
        let diff = changed.json["diff"] as? [[String: Any]]
        #expect(
            diff?.compactMap { $0["path"] as? String } == [
                "services.reviews.routes.default.split.v1",
                "services.reviews.routes.default.split.v2",
            ])
        #expect(diff?.first?["before"] as? Double == 95)
        #expect(diff?.first?["after"] as? Double == 33.3333)

        let revision = bench.send("GET", "/v1/revisions/2").json
        #expect(revision["who"] as? String == "ada")
        #expect(revision["why"] as? String == "canary looks good")
        #expect(revision["kind"] as? String == "split")
        #expect(revision["at"] as? String == "2023-11-14T22:13:20.000Z")
    }

    @Test(arguments: [
        (#"{"weights": {"v1": 0}}"#, ["weights"]), (#"{"weights": {}}"#, ["weights"]),
        (#"{"weights": {"v9": 1}}"#, ["weights.v9"]), (#"{"weights": {"v1": -1}}"#, ["weights.v1"]),
        (#"{"weights": {"v1": "1"}}"#, ["weights.v1"]), (#"{"weight": {"v1": 1}}"#, ["weight"]),
        (#"{"weights": {"v1": 1}, "route": "beta"}"#, ["route"]),
        (#"{"weights": {"v1": 1}, "service": "a"}"#, ["service"]),
    ])
    func `refuses a split that is none`(body: String, paths: [String]) throws {
        let bench = try Bench()
        bench.send("PUT", "/v1/services/reviews", reviews)
        let reply = bench.send("PUT", "/v1/services/reviews/split?route=default", body)
        #expect(reply.status == 422)
        #expect(reply.wrongPaths == paths)
    }

    @Test func `changes nothing in a dry run, and says the same`() throws {
        let bench = try Bench()
        let tried = bench.send("PUT", "/v1/services/reviews?dryRun=true", reviews)
        #expect(tried.status == 200)
        #expect(tried.json["revision"] as? Int == 1)
        #expect(tried.json["dryRun"] as? Bool == true)
        #expect(bench.send("GET", "/v1/services/reviews").status == 404)
        #expect(bench.pushed.isEmpty)

        let made = bench.send("PUT", "/v1/services/reviews", reviews)
        #expect((made.json["diff"] as? NSArray) == (tried.json["diff"] as? NSArray))
        let delete = bench.send("DELETE", "/v1/services/reviews?dryRun=true")
        #expect(delete.json["revision"] as? Int == 2)
        #expect(bench.send("GET", "/v1/services/reviews").status == 200)
        #expect(bench.send("PUT", "/v1/services/a?dryRun=yes", reviews).wrongPaths == ["dryRun"])
        #expect(bench.send("PUT", "/v1/services/a?dryrun=true", reviews).wrongPaths == ["dryrun"])
    }

    @Test func `loses no update`() throws {
        let bench = try Bench()
        let target = "/v1/services/reviews"
        let absent = ["If-None-Match": "*"]
        #expect(bench.send("PUT", target, reviews, ["If-Match": "*"]).status == 412)
        #expect(bench.send("PUT", target, reviews, absent).status == 201)
        #expect(bench.send("PUT", target, reviews, absent).status == 412)

        let split = "\(target)/split?route=default"
        for (weight, field, status) in [
            (10, "\"r1\"", 200), (20, "\"r1\"", 412), (20, "W/\"r2\"", 412), (20, "r2", 412),
            (20, "", 412), (20, "\"r9\", \"r2\"", 200), (30, "*", 200),
        ] as [(Int, String, UInt16)] {
            let body = #"{"weights": {"v1": 100, "v2": \#(weight)}}"#
            let reply = bench.send("PUT", split, body, ["If-Match": field])
            #expect(reply.status == status, "\(field)")
        }
        #expect(bench.send("PUT", split, #"{"weights": {"v1": 1}, "revision": 3}"#).status == 412)
        #expect(bench.send("PUT", split, #"{"weights": {"v1": 1}, "revision": 4}"#).status == 200)
        #expect(bench.send("DELETE", target, nil, ["If-Match": "\"r1\""]).status == 412)
        #expect(bench.send("DELETE", target, nil, ["If-Match": "\"r5\""]).status == 200)
    }

    @Test func `answers 304 to a reader that is up to date`() throws {
        let bench = try Bench()
        bench.send("PUT", "/v1/services/a", #"{"versions": {"v1": {"endpoints": []}}}"#)
        for target in ["/v1/services", "/v1/services/a", "/v1/services/a/split"] {
            let tag = try #require(bench.send("GET", target).value(of: "etag"))
            let known = bench.send("GET", target, nil, ["If-None-Match": "\"x\", W/\(tag)"])
            #expect(known.status == 304)
            #expect(known.body.isEmpty)
        }
    }

    @Test func `restores any revision`() throws {
        let bench = try Bench()
        let one = #"{"versions": {"v1": {"endpoints": []}}}"#
        bench.send("PUT", "/v1/services/a", one)
        bench.send("PUT", "/v1/services/reviews", reviews)
        bench.send("PUT", "/v1/services/reviews/split?route=default", #"{"weights": {"v2": 1}}"#)
        bench.send("DELETE", "/v1/services/a")

        let restored = bench.send("POST", "/v1/revisions/2:restore", #"{"reason": "worse"}"#)
        #expect(restored.status == 200)
        #expect(restored.json["revision"] as? Int == 5)
        #expect(bench.send("GET", "/v1/services/a").status == 200)
        let split = bench.send("GET", "/v1/services/reviews/split?route=default")
        #expect(split.json["weights"] as? [String: Double] == ["v1": 95, "v2": 5])
        #expect(bench.send("GET", "/v1/revisions/current").json["why"] as? String == "worse")

        let same = bench.send("POST", "/v1/revisions/5:restore")
        #expect(same.json["changed"] as? Bool == false)
        let list = bench.send("GET", "/v1/services").value(of: "etag") ?? ""
        for (tag, status) in [("\"r4\"", 412), (list, 200), ("*", 200)] as [(String, UInt16)] {
            let reply = bench.send(
                "POST", "/v1/revisions/4:restore?dryRun=true", nil, ["if-match": tag])
            #expect(reply.status == status)
        }
        #expect(bench.send("POST", "/v1/revisions/9:restore").status == 404)
        #expect(bench.send("POST", "/v1/revisions/0:restore").status == 404)
    }

    @Test func `lists in parts`() throws {
        let bench = try Bench()
        for name in ["a", "b", "c"] {
            bench.send("PUT", "/v1/services/\(name)", #"{"versions": {"v1": {"endpoints": []}}}"#)
        }
        let first = bench.send("GET", "/v1/services?limit=2").json
        #expect((first["items"] as? [Any])?.count == 2)
        #expect(first["next"] as? String == "b")
        let rest = bench.send("GET", "/v1/services?limit=2&after=b").json
        #expect((rest["items"] as? [Any])?.count == 1)
        #expect(rest["next"] == nil)

        let newest = bench.send("GET", "/v1/revisions?limit=2").json
        #expect((newest["items"] as? [[String: Any]])?.map { $0["number"] as? Int } == [3, 2])
        #expect(newest["next"] as? Int == 2)
        let oldest = bench.send("GET", "/v1/revisions?limit=2&before=2").json
        #expect((oldest["items"] as? [Any])?.count == 1)
        #expect(bench.send("GET", "/v1/services?limit=0").wrongPaths == ["limit"])
        #expect(bench.send("GET", "/v1/services?limit=1&limit=1").wrongPaths == ["limit"])
    }

    @Test(arguments: [
        ("GET", "/", 404 as UInt16), ("GET", "", 404), ("GET", "/v1", 404), ("GET", "/v1/", 404),
        ("GET", "/v1/services/", 404), ("GET", "//v1/services", 404), ("GET", "v1/services", 404),
        ("GET", "/v1/services/%zz", 400), ("GET", "/v1/services/%ff", 400),
        ("GET", "/v1/services/a%2Fsplit", 404), ("GET", "/v1/revisions/01", 404),
        ("GET", "/v1/revisions/-1", 404), ("GET", "/v1/revisions/99999999999999999999", 404),
        ("GET", "/v1/revisions/0", 404), ("GET", "/v1/revisions/current", 404),
        ("POST", "/v1/revisions/x:restore", 404), ("GET", "/v1/revisions/1:restore", 405),
        ("POST", "/v1/services", 405), ("PATCH", "/v1/services/a", 405),
        ("PUT", "/v1/proxies", 405), ("get", "/v1/services", 405),
        ("GET", "/v1/services?x=1", 400), ("GET", "/v1/services?limit=%zz", 400),
        ("DELETE", "/v1/services/a/split", 405), ("HEAD", "/v1/services", 200),
        ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200),
        ("GET", "/v1/version", 200), ("GET", "/v1/proxies", 200), ("GET", "/openapi.json", 200),
    ])
    func `answers every path`(method: String, target: String, status: UInt16) throws {
        let reply = try Bench().send(method, target)
        #expect(reply.status == status)
        if status == 405 { #expect(reply.value(of: "allow") != nil) }
        if status >= 400 {
            #expect(reply.value(of: "content-type") == "application/problem+json")
            #expect(reply.json["status"] as? Int == Int(status))
        }
    }

    @Test(arguments: [
        ("text/plain", "{}", 415 as UInt16), ("", "{}", 415),
        ("application/json; charset=utf-8", "{}", 422),
        ("APPLICATION/JSON", "{", 400), ("application/json", "\u{0}", 400),
    ])
    func `takes JSON only`(type: String, body: String, status: UInt16) throws {
        let reply = try Bench().send("PUT", "/v1/services/a", body, ["content-type": type])
        #expect(reply.status == status)
    }

    @Test func `takes no long body and no long reason`() throws {
        let bench = try Bench()
        let long = String(repeating: " ", count: APIRequest.bodyLimit + 1)
        #expect(bench.send("PUT", "/v1/services/a", long).status == 413)
        let why = String(repeating: "x", count: 1001)
        for reason in [why, "a%00b"] {
            let target = "/v1/services/reviews?reason=\(reason)"
            #expect(bench.send("PUT", target, reviews).wrongPaths == ["reason"])
        }
    }

    @Test(arguments: [
        (StoreError.full, 507 as UInt16), (.readOnly, 503),
        (.failed(reason: "disk I/O error"), 503),
    ])
    func `stays as it is when the store fails`(failure: StoreError, status: UInt16) throws {
        let store = MemoryStore()
        let bench = try Bench(store)
        bench.send("PUT", "/v1/services/reviews", reviews)
        store.failure = failure
        let target = "/v1/services/reviews/split?route=default"
        let body = #"{"weights": {"v2": 1}}"#
        #expect(bench.send("PUT", target, body).status == status)
        #expect(bench.send("GET", "/v1/revisions/1").status == status)
        let weights = bench.send("GET", target).json["weights"] as? [String: Double]
        #expect(weights == ["v1": 95, "v2": 5])
        #expect(bench.pushed == [1])

        store.failure = nil
        #expect(bench.send("PUT", target, body).json["revision"] as? Int == 2)
    }

    @Test func `asks for a token where there is a token file`() throws {
        let file = "# ops\nada:0123456789abcdef\nci:fedcba9876543210\n"
        let bench = try Bench(tokens: Tokens(parsing: Array(file.utf8)))
        for field in [nil, "", "Bearer", "Bearer 0123456789abcdee", "Basic 0123456789abcdef"] {
            let reply = bench.send(
                "GET", "/v1/services", nil, field.map { ["Authorization": $0] } ?? [:])
            #expect(reply.status == 401)
            #expect(reply.value(of: "www-authenticate") == "Bearer")
        }
        let ada = [
            "authorization": "bearer 0123456789abcdef", "x-pointsman-user": "eve",
            "content-type": "application/json",
        ]
        #expect(bench.send("PUT", "/v1/services/reviews", reviews, ada).status == 201)
        #expect(bench.send("GET", "/v1/revisions/1", nil, ada).json["who"] as? String == "ada")
        #expect(bench.send("GET", "/healthz").status == 200)
        #expect(bench.send("GET", "/openapi.json").status == 200)
    }

    @Test(arguments: [
        ("127.0.0.1:7400", "", 200 as UInt16), ("localhost", "", 200), ("", "", 200),
        ("[::1]:7400", "", 200), ("a.localhost:1", "", 200),
        ("localhost:7400", "http://localhost:7400", 200),
        ("localhost:7400", "http://localhost:80", 403), ("localhost:7400", "null", 403),
        ("localhost:7400", "https://example.org", 403), ("example.org", "", 403),
        ("127.0.0.1.example.org", "", 403), ("10.0.0.1:7400", "", 403), ("[::2]", "", 403),
        ("[::1].example.org", "", 403),
    ])
    func `is not for pages of strangers`(host: String, origin: String, status: UInt16) throws {
        let bench = try Bench()
        let fields = ["host": host, "origin": origin].filter { !$0.value.isEmpty }
        #expect(bench.send("GET", "/v1/services", nil, fields).status == status)
        #expect(bench.send("GET", "/healthz", nil, fields).status == 200)
    }

    @Test(arguments: [
        ("", Tokens.Failure.noToken), ("# x\n", .noToken), ("ada", .line(1)),
        ("ada:short", .line(1)), ("\nada:0123456789abcdef\n:0123456789abcdef", .line(3)),
        ("ada:0123456789 abcdef", .line(1)),
    ])
    func `takes only a token file that is meant`(text: String, failure: Tokens.Failure) {
        #expect(throws: failure) { try Tokens(parsing: Array(text.utf8)) }
    }

    @Test func `describes itself`() throws {
        let document = try Bench().send("GET", "/openapi.json").json
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        for (path, operations) in paths {
            let filled = path.replacing("{name}", with: "a").replacing("{number}", with: "1")
                .replacing("{id}", with: "0a")
            let resource = try APIResource(path: filled)
            let described = Set(operations.keys.map { $0.uppercased() }).subtracting(["PARAMETERS"])
            #expect(described == Set(resource.methods).subtracting(["HEAD"]), "\(path)")
        }
        #expect(paths.count == 20)
        let components = try #require(document["components"] as? [String: [String: Any]])
        let text = OpenAPI.document
        for match in text.matches(of: /"#\/components\/(\w+)\/([\w-]+)"/) {
            #expect(components[String(match.1)]?[String(match.2)] != nil, "\(match.0)")
        }
    }
}
