import ArgumentParser
import Console

struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity",
        abstract: "Show who has which certificate until when, and let workloads have theirs.",
        discussion: "Needs a control plane with a certificate authority (--ca-key-file).",
        subcommands: [
            MakeToken.self, ListTokens.self, WithdrawToken.self, ShowRoots.self,
            ListCertificates.self, ShowAuthority.self, Rotate.self, ListAuthorityEvents.self,
        ])
}

private struct MakeToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make a token for a first certificate, and print it.",
        discussion: """
            The token is printed once and kept nowhere. Only its text is written to standard \
            output, so that it can be put into a file.
            """)

    @Argument(help: "Whose certificate: ACCOUNT or NAMESPACE/ACCOUNT.")
    var identity: String

    @Option(help: "How long it may be used: 30s, 15m, 24h.")
    var lifetime = Patience(.seconds(3600))

    @Option(help: "How often it may be used.")
    var uses: Int64 = 1

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.makeToken(for: identity, lifetime: lifetime.duration, uses: uses)
        }
    }
}

private struct ListTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Show the tokens that have not expired.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in try session.listTokens() }
    }
}

private struct WithdrawToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Make a token good for nothing; certificates issued for it stay good.")

    @Argument(help: "The token's ID, as 'identity tokens' shows it.")
    var id: String

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in try session.withdrawToken(id) }
    }
}

private struct ShowRoots: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roots", abstract: "Print the roots that are accepted now, in PEM.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in try session.showRoots() }
    }
}

private struct ListCertificates: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show who has which certificate until when, and who is connected with it.")

    @Option(help: "How many of the latest.")
    var limit = 100

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.listCertificates(limit: max(1, limit))
        }
    }
}

private struct ShowAuthority: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the authorities, and how far a rotation is.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in try session.showAuthority() }
    }
}

private struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace the intermediate authority, or begin to replace the root.",
        discussion: """
            A new intermediate authority is used at once. A new root is announced to everybody \
            first, used when every certificate from before has ended, and the old one is dropped \
            when nothing hangs on it any more: see 'identity status'.
            """)

    @Flag(help: "Replace the root.")
    var root = false

    @Flag(help: "Replace the intermediate authority; so it is when nothing is said.")
    var intermediate = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if root && intermediate {
            throw ValidationError("--root and --intermediate are two commands")
        }
    }

    func run() throws {
        try common.run { session throws(ConsoleError) in try session.rotate(root: root) }
    }
}

private struct ListAuthorityEvents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show who did what to the authority, the latest first.")

    @Option(help: "How many of the latest.")
    var limit = 20

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.run { session throws(ConsoleError) in
            try session.listAuthorityEvents(limit: max(1, min(limit, 1000)))
        }
    }
}
