import ArgumentParser
import Bench
import Console

/// How much is sent, and how.
struct LoadArguments: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "Requests a second to each target, at scheduled times; without it, a closed loop.")
    var rate: Double?

    @Option(help: "How scheduled requests are spaced: constant, or poisson as from many clients.")
    var arrivals = LoadPlan.Arrivals.constant

    @Option(name: .shortAndLong, help: "How long to send: 500ms, 30s, 2m. (default: 10s)")
    var duration: Patience?

    @Option(
        name: [.customShort("n"), .long], help: "How many requests to send, instead of how long.")
    var requests: UInt64?

    @Option(name: .customLong("warm-up"), help: "How long to send before counting begins.")
    var warmUp = Patience(.zero)

    @Option(name: .shortAndLong, help: "Connections to each target.")
    var connections = 16

    @Flag(
        name: .customLong("http2"),
        help: "Speak HTTP/2: with prior knowledge (h2c), over TLS by ALPN.")
    var isHTTP2 = false

    @Option(help: "Requests at once on an HTTP/2 connection. (default: 1)")
    var streams: Int?

    @Flag(name: .customLong("reconnect"), help: "Make a connection for every request.")
    var reconnects = false

    @Option(help: "Threads that send; each has its share of the connections.")
    var threads = 1

    @Option(help: "How long a connection or an answer may take.")
    var timeout = Patience(.seconds(10))

    @Option(
        help: ArgumentHelp(
            "Load this target too, alternately in the same run, and print ratios.",
            valueName: "url"))
    var compare: String?

    func fill(_ plan: inout LoadPlan) throws(BenchError) {
        if duration != nil, requests != nil { throw .conflict("--duration", "--requests") }
        if streams != nil, !isHTTP2 {
            throw .option(
                name: "--streams", value: "\(streams ?? 1)", expected: "given with --http2")
        }
        if arrivals == .poisson, rate == nil {
            throw .option(name: "--arrivals", value: "poisson", expected: "given with --rate")
        }
        if let rate { plan.pacing = .open(perSecond: rate, arrivals) }
        if let requests { plan.ending = .requests(requests) }
        if let duration { plan.ending = .after(duration.duration) }
        plan.warmUp = warmUp.duration
        plan.connections = connections
        plan.threads = threads
        plan.timeout = timeout.duration
        plan.reconnects = reconnects
        if isHTTP2 { plan.wire = .http2(streams: streams ?? 1) }
    }
}

/// What is sent.
struct RequestArguments: ParsableArguments {
    @Option(
        name: [.customShort("X"), .long],
        help: "The method. (default: GET, with a body POST)")
    var method: String?

    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: "A field as 'Name: value'; may be repeated.")
    var headers: [String] = []

    @Option(help: "What every request carries.")
    var body: String?

    @Option(help: "A file that every request carries.", completion: .file())
    var bodyFile: String?

    func fill(_ plan: inout LoadPlan) throws(BenchError) {
        if body != nil, bodyFile != nil { throw .conflict("--body", "--body-file") }
        for header in headers {
            plan.request.fields.append(try RequestContent.Field(parsing: header))
        }
        if let body { plan.request.body = Array(body.utf8) }
        if let bodyFile { try plan.request.readBody(from: bodyFile) }
        plan.request.method = method ?? (plan.request.body.isEmpty ? "GET" : "POST")
    }
}

/// How connections to an `https` URL are secured.
struct SecurityArguments: ParsableArguments {
    @Option(
        name: .customLong("cacert"),
        help: ArgumentHelp(
            "Authorities to trust, in PEM. (default: those of the system)", valueName: "file"),
        completion: .file())
    var authorities: String?

    @Option(
        name: .customLong("cert"),
        help: ArgumentHelp(
            "The client's certificate and what stands behind it, in PEM.", valueName: "file"),
        completion: .file())
    var certificate: String?

    @Option(
        help: ArgumentHelp(
            "The key of --cert, in PEM. (default: in the same file)", valueName: "file"),
        completion: .file())
    var key: String?

    @Option(
        help: ArgumentHelp(
            "Whom the server has to be: a name, or a URI such as a SPIFFE ID. (default: the host)",
            valueName: "name"))
    var serverName: String?

    @Flag(
        name: .customLong("full-handshakes"),
        help: "Take no session up again, so that every connection costs all of it.")
    var alwaysShakesHands = false

    func fill(_ plan: inout LoadPlan) throws(BenchError) {
        if key != nil, certificate == nil {
            throw .option(name: "--key", value: key ?? "", expected: "given with --cert")
        }
        guard plan.targets.contains(where: \.isSecure) else {
            let given = [
                ("--cacert", authorities), ("--cert", certificate), ("--server-name", serverName),
                ("--full-handshakes", alwaysShakesHands ? "" : nil),
            ]
            for case (let name, let value?) in given {
                throw .option(name: name, value: value, expected: "given with an https:// URL")
            }
            return
        }
        var terms = try SecurityTerms(
            authorities: authorities, certificate: certificate, key: key)
        terms.serverName = serverName
        terms.allowsResumption = !alwaysShakesHands
        plan.security = terms
    }
}

/// What is told of it.
struct ResultArguments: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table
        case json
    }

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "How the result is written; json has fortio's keys where it has them.")
    var format = Format.table

    @Option(help: "Write a page with plots there as well.", completion: .file())
    var html: String?

    @Option(
        help: ArgumentHelp(
            "The response field that tells versions apart, such as x-version.", valueName: "name"))
    var versionHeader: String?

    @Option(
        help: ArgumentHelp(
            "The split that versions are meant to have: v1=95,v2=5.", valueName: "split"))
    var expect: String?

    @Option(
        name: .customLong("fail-if"),
        help: ArgumentHelp(
            "Exit with 7 when this holds: 'p99>5ms', 'errors>0.1%', 'rate<3900'; may be repeated.",
            valueName: "condition"))
    var conditions: [String] = []

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Show no progress.")
    var isQuiet = false

    func judgement(for plan: LoadPlan) throws(BenchError) -> Judgement {
        if expect != nil, versionHeader == nil {
            throw .option(
                name: "--expect", value: expect ?? "", expected: "given with --version-header")
        }
        return try Judgement(
            conditions: conditions, split: expect, isComparing: plan.targets.count > 1)
    }

    func render(
        _ result: LoadResult, expecting split: ExpectedSplit?, palette: Palette
    ) -> String {
        switch format {
        case .json:
            return JSONReport.text(result, expecting: split, version: ProgramVersion.text)
        case .table:
            return TableReport.lines(result, expecting: split).map { line in
                palette.paint(line.text.shown, line.emphasis.tone) + "\n"
            }.joined()
        }
    }

    /// Makes sure that the page can be written before anything is measured.
    func checkPage() throws(BenchError) {
        if let html { try HTMLReport.prepare(html) }
    }

    func writePage(of result: LoadResult, expecting split: ExpectedSplit?) throws(BenchError) {
        guard let html else { return }
        try HTMLReport.write(result, expecting: split, to: html)
    }
}

extension Emphasis {
    var tone: Tone {
        switch self {
        case .none: .plain
        case .heading: .strong
        case .faint: .faint
        case .good: .good
        case .warning: .caution
        case .bad: .bad
        }
    }
}
