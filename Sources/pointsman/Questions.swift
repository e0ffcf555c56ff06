import ArgumentParser
import Console

struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what there is.",
        subcommands: [GetServices.self, GetRoutes.self, GetProxies.self, GetRevisions.self])
}

struct GetServices: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "services", abstract: "Show services and their splits.",
        aliases: ["service"])

    @Argument(help: "One service only.")
    var name: String?

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.getServices(named: name)
        }
    }
}

struct GetRoutes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "Show routes, what they match and how they split.",
        aliases: ["route"])

    @Argument(help: "The routes of one service only.")
    var name: String?

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.getRoutes(ofService: name)
        }
    }
}

struct GetProxies: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxies", abstract: "Show the connected sidecars and what they have.",
        aliases: ["proxy"])

    @Argument(help: "One sidecar only.")
    var name: String?

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.getProxies(named: name)
        }
    }
}

struct GetRevisions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revisions", abstract: "Show who changed what, when and why.",
        aliases: ["revision"])

    @Argument(help: "One revision, with its diff and how far it has come.")
    var number: Int64?

    @Option(help: "How many of the latest.")
    var limit = 20

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.getRevisions(number: number, limit: max(1, limit))
        }
    }
}

struct Proxies: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the connected sidecars; short for 'get proxies'.")

    @Argument(help: "One sidecar only.")
    var name: String?

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.getProxies(named: name)
        }
    }
}

struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Return when a revision is in effect on every connected sidecar.")

    @Option(help: "The number of the revision.")
    var revision: Int64

    @Option(help: "Longest time to wait: 500ms, 30s, 2m.")
    var timeout = Patience(.seconds(30))

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.wait(forRevision: revision, patience: timeout.duration)
        }
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look whether the control plane and the sidecars are well.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in try session.check() }
    }
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the version of this program.")

    @Option(name: [.customShort("o"), .customLong("output")], help: "How it is written.")
    var format = OutputFormat.table

    func run() {
        let document: JSONValue = ["version": .string(ProgramVersion.text)]
        Screen.standard(environment: Settings.environment)
            .show(format.render(document) ?? "pointsman \(ProgramVersion.text)\n")
    }
}
