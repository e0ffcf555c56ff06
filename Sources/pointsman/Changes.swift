import ArgumentParser
import Console

struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make services what a file says.",
        discussion: """
            Shows what changes, service by service. All services are checked before the first \
            one is changed. Services that the file does not name stay as they are, unless \
            --prune. What 'get services -o yaml' prints can be edited and applied, too.
            """)

    @Option(
        name: [.short, .customLong("file")],
        help: "YAML or JSON; '-' reads standard input.", completion: .file())
    var file: String

    @Flag(name: .customLong("prune"), help: "Remove the services that the file does not name.")
    var prunes = false

    @OptionGroup var change: ChangeArguments
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.apply(
                try ServiceFile(reading: file), prunes: prunes, options: change.options)
        }
    }
}

struct Split: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give the versions of a service new weights: split reviews v1=95 v2=5",
        discussion: """
            A weight is any non-negative decimal; what counts is its share of the sum. A version \
            that is not named gets nothing.
            """)

    @Argument(help: "The service.")
    var service: String

    @Argument(help: "Weights as VERSION=WEIGHT.")
    var weights: [String]

    @Option(help: "Which route, when the service has several.")
    var route: String?

    @OptionGroup var change: ChangeArguments
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.split(
                service: service, route: route, weights: try SplitArgument(parsing: weights),
                options: change.options)
        }
    }
}

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make everything what it was at an earlier revision.")

    @Argument(help: "The number of the revision.")
    var revision: Int64

    @OptionGroup var change: ChangeArguments
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.restore(revision: revision, options: change.options)
        }
    }
}

struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove something.", subcommands: [DeleteService.self])
}

struct DeleteService: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Remove a service with its versions and routes.")

    @Argument(help: "The service.")
    var name: String

    @OptionGroup var change: ChangeArguments
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.delete(service: name, options: change.options)
        }
    }
}
