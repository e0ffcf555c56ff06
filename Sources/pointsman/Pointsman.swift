import ArgumentParser
import Console

@main
struct Pointsman: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pointsman",
        abstract: "Shifts traffic between the versions of a service, exactly.",
        discussion: """
            Talks to the control plane's API, by default at http://127.0.0.1:7400; name another \
            with --control or POINTSMAN_API.

            Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the control plane cannot be \
            reached, 4 timed out waiting, 5 somebody else changed the same thing meanwhile, 6 a \
            sidecar refused the change, 7 'bench' has seen what --fail-if or --expect rules out.
            """,
        version: ProgramVersion.text,
        subcommands: [
            Apply.self, Split.self, Get.self, Proxies.self, Wait.self, Restore.self, Delete.self,
            Check.self, IdentityCommand.self, BenchCommand.self, Version.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch  where exitCode(for: error) == .validationFailure {
            Screen.standard(environment: Settings.environment).say(fullMessage(for: error))
            exit(withError: ArgumentParser.ExitCode(ProgramExit.usage.rawValue))
        } catch {
            exit(withError: error)
        }
    }
}

/// Arguments that every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The control plane's API, as http://HOST:PORT (POINTSMAN_API).")
    var control: String?

    @Option(help: "The token that the control plane wants (POINTSMAN_TOKEN).")
    var token: String?

    @Option(
        help: "A file with the token (POINTSMAN_TOKEN_FILE).", completion: .file())
    var tokenFile: String?

    @Option(help: "Who is written beside a change (USER).")
    var user: String?

    @Option(name: [.customShort("o"), .customLong("output")], help: "How results are written.")
    var format = OutputFormat.table

    /// Runs `body`, and ends the program as the exit codes say when it fails.
    func run(_ body: (Session) throws(ConsoleError) -> Void) throws {
        let environment = Settings.environment
        let screen = Screen.standard(environment: environment)
        do throws(ConsoleError) {
            let settings = try Settings(
                control: control, token: token, tokenFile: tokenFile, user: user,
                environment: environment)
            let client = HTTPClient(address: settings.address, token: settings.token)
            let plane = ControlPlane(client: client, user: settings.user)
            try body(Session(control: plane, screen: screen, format: format))
        } catch {
            screen.report(error)
            throw ArgumentParser.ExitCode(error.exitStatus.rawValue)
        }
    }
}

/// Arguments of commands that change something.
struct ChangeArguments: ParsableArguments {
    @Flag(name: [.customLong("dry-run")], help: "Check and show the change, and do not make it.")
    var isDryRun = false

    @Flag(
        name: [.customLong("wait")], help: "Return when every connected sidecar has it in effect.")
    var waits = false

    @Option(help: "Longest time to wait: 500ms, 30s, 2m.")
    var timeout = Patience(.seconds(30))

    @Option(help: "Why, for the list of revisions.")
    var reason: String?

    var options: ChangeOptions {
        ChangeOptions(
            reason: reason, isDryRun: isDryRun, patience: waits ? timeout.duration : nil)
    }
}

/// A length of time on the command line.
struct Patience: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard let duration = Duration(typed: argument) else { return nil }
        self.duration = duration
    }

    var description: String { "\(duration.components.seconds)s" }
    var defaultValueDescription: String { description }
}
