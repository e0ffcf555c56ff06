import ArgumentParser
import Control
import FoundationEssentials
import Kernel

/// Reads the command line, starts the control plane and waits until it is told to stop.
@main
struct PointsmanControl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pointsman-control",
        abstract: "Keeps services, versions and splits, and tells sidecars what is in force.",
        discussion: """
            The API is described at /openapi.json. Sidecars, Envoy and gRPC clients are told over \
            xDS. Every change is in the store before it is answered.
            """,
        version: version)

    static let version = "0.1.0"

    @Option(help: "Address of the REST API.")
    var api = "127.0.0.1:7400"

    @Option(help: "Address for sidecars and other xDS clients, in the clear; none for no such one.")
    var xds = "127.0.0.1:7401"

    @Option(
        help: ArgumentHelp(
            "Where revisions are kept: sqlite:PATH.",
            discussion: """
                Without it: pointsman/control.sqlite in $XDG_STATE_HOME, else in \
                $HOME/.local/state, else in the working directory.
                """))
    var store: String?

    @Option(
        help: ArgumentHelp(
            "File of name:token lines; one of the tokens is then needed for the API.",
            valueName: "file"))
    var tokenFile: String?

    @OptionGroup(title: "Certificate authority")
    var authority: AuthorityOptions

    func validate() throws {
        _ = try Self.address(api, "--api")
        _ = try xdsAddress()
        _ = try authority.settings()
        _ = try storePath()
    }

    func run() throws {
        let log = Log()
        do {
            let path = try storePath()
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                let folder = String(path[..<slash])
                try Self.naming(folder) { () throws(Errno) in try File.makeFolder(folder) }
            }
            let settings = ControlPlane.Settings(
                api: try Self.address(api, "--api"), xds: try xdsAddress(),
                authority: try authority.settings(), storePath: path,
                tokenFile: try tokenFile.map { file in
                    try Self.naming(file) { () throws(Errno) in
                        try File.read(file, limit: 1 << 20)
                    }
                },
                programVersion: Self.version)
            let program = try ControlProgram(settings) { log.write($0) }
            log.write("revision \(program.revision) in sqlite:\(path)")
            let places = [
                "API on http://\(program.apiAddress)", program.xdsAddress.map { "xDS on \($0)" },
                program.secureAddress.map { "xDS over TLS on \($0)" },
            ]
            log.write("ready: \(places.compactMap(\.self).joined(separator: ", "))")
            try program.run()
            log.write("stopped")
        } catch {
            log.write("cannot go on: \(error)")
            throw ExitCode(1)
        }
    }

    /// What went wrong with a file, and with which.
    private struct FileFailure: Error, CustomStringConvertible {
        let path: String
        let errno: Errno

        var description: String { "\(path): \(errno)" }
    }

    private static func naming<Value>(
        _ path: String, _ body: () throws(Errno) -> Value
    ) throws(FileFailure) -> Value {
        do {
            return try body()
        } catch {
            throw FileFailure(path: path, errno: error)
        }
    }

    private func xdsAddress() throws -> SocketAddress? {
        xds == "none" ? nil : try Self.address(xds, "--xds")
    }

    static func address(_ text: String, _ option: String) throws -> SocketAddress {
        guard let address = SocketAddress(parsing: text) else {
            throw ValidationError("\(option): \"\(text)\" is not an address such as 127.0.0.1:7400")
        }
        return address
    }

    private func storePath() throws -> String {
        guard let store else { return Self.standardStorePath }
        if store.hasPrefix("etcd:") {
            throw ValidationError("--store: etcd is not a store of this release; use sqlite:PATH")
        }
        guard store.hasPrefix("sqlite:"), store.utf8.count > "sqlite:".utf8.count else {
            throw ValidationError("--store: \"\(store)\" is not sqlite:PATH")
        }
        return String(store.dropFirst("sqlite:".count))
    }

    private static var standardStorePath: String {
        let file = "pointsman/control.sqlite"
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") {
            return "\(folder)/\(file)"
        }
        if let home = environment["HOME"], home.hasPrefix("/") {
            return "\(home)/.local/state/\(file)"
        }
        return "pointsman-control.sqlite"
    }
}
