public import ArgumentParser
import Kernel
public import Proxy
import XDS

/// `pointsman-proxy`: reads its settings, runs the sidecar, and says why when it cannot.
@main
struct ProxyCommand: ParsableCommand {
    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case serve, validate
    }

    static let configuration = CommandConfiguration(
        commandName: "pointsman-proxy",
        abstract: "A service-mesh sidecar that splits traffic exactly.",
        discussion: """
            Give it a file in Envoy's v3 bootstrap format (-c), or a control plane (--control). \
            It serves until SIGTERM, then finishes what is under way.
            Exit codes: 0 ended as asked, 1 could not start or serve, 64 wrong usage.
            """,
        version: SidecarSettings.version)

    @Option(
        name: [.customShort("c"), .customLong("config-path")],
        help: ArgumentHelp(
            "Bootstrap file in Envoy's v3 format, YAML or JSON.", valueName: "file"))
    var configPath: String?

    @Option(
        help: ArgumentHelp(
            "xDS address of the control plane ($POINTSMAN_CONTROL).", valueName: "host:port"))
    var control: String?

    @Option(
        help: ArgumentHelp(
            """
            Roots of the mesh in PEM ($POINTSMAN_CONTROL_ROOTS): the sidecar gets a certificate of \
            its own from the control plane, and speaks with it over mutual TLS.
            """, valueName: "file"))
    var controlRoots: String?

    @Option(
        help: ArgumentHelp(
            """
            Bootstrap token ($POINTSMAN_IDENTITY_TOKEN_FILE), read when --state-dir holds no good \
            certificate.
            """, valueName: "file"))
    var identityTokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Trust domain of the mesh ($POINTSMAN_TRUST_DOMAIN); default cluster.local.",
            valueName: "name"))
    var trustDomain: String?

    @Option(
        help: ArgumentHelp(
            "Service that this sidecar stands beside ($POINTSMAN_SERVICE).", valueName: "name"))
    var service: String?

    @Option(
        help: ArgumentHelp(
            "Name of this sidecar ($POINTSMAN_NODE_ID); default SERVICE-HOST-PID.",
            valueName: "id"))
    var nodeID: String?

    @Option(
        help: ArgumentHelp(
            "Where the service sends its requests ($POINTSMAN_OUTBOUND); default 127.0.0.1:15001.",
            valueName: "addr"))
    var outbound: String?

    @Option(
        help: ArgumentHelp(
            "Where requests for the service arrive ($POINTSMAN_INBOUND); needs --application.",
            valueName: "addr"))
    var inbound: String?

    @Option(
        help: ArgumentHelp(
            "Where the service itself listens ($POINTSMAN_APPLICATION).", valueName: "addr"))
    var application: String?

    @Option(
        help: ArgumentHelp(
            "Admin interface ($POINTSMAN_ADMIN); default 127.0.0.1:15000, or as the file says.",
            valueName: "addr"))
    var admin: String?

    @Option(help: "serve, or validate: check the file and exit.")
    var mode = Mode.serve

    @Option(
        help: ArgumentHelp(
            "Worker threads ($POINTSMAN_CONCURRENCY); default: the CPU quota of the cgroup.",
            valueName: "n"))
    var concurrency: Int?

    @Option(
        help: ArgumentHelp(
            "Folder that keeps the last good configuration ($POINTSMAN_STATE_DIR).",
            valueName: "dir"))
    var stateDir: String?

    @Option(
        name: .customLong("drain-time-s"),
        help: ArgumentHelp("Longest time that draining takes, in seconds.", valueName: "seconds"))
    var drainTime = 30

    @Option(
        help: ArgumentHelp(
            "Access log of listeners that name none, such as /dev/stdout ($POINTSMAN_ACCESS_LOG).",
            valueName: "file"))
    var accessLog: String?

    @Option(help: "trace, debug, info, warning, error, critical or off.")
    var logLevel = LogLevel.info

    @Flag(help: "Refuse configurations with fields that are not known here.")
    var rejectUnknownDynamicFields = false

    mutating func validate() throws {
        if configPath == nil, option(control, "CONTROL") == nil {
            throw ValidationError("Give -c FILE, or --control HOST:PORT with --service NAME.")
        }
        if configPath != nil, control != nil {
            throw ValidationError("-c and --control exclude each other.")
        }
        if let concurrency, concurrency < 1 || concurrency > 256 {
            throw ValidationError("--concurrency must be 1…256.")
        }
        if drainTime < 0 || drainTime > 86_400 {
            throw ValidationError("--drain-time-s must be 0…86400.")
        }
    }

    func run() throws {
        let settings = try settings()
        if mode == .validate {
            try orExplain { () throws(SidecarError) in try settings.validate() }
            let subject = configPath.map { "configuration '\($0)'" } ?? "configuration"
            StandardStream.output.write("\(subject) OK\n")
            return
        }
        let sidecar = try orExplain { () throws(SidecarError) in try Sidecar(settings) }
        let status = try orExplain { () throws(SidecarError) in try sidecar.run() }
        throw ExitCode(status)
    }

    private func settings() throws -> SidecarSettings {
        var settings = SidecarSettings(
            bootstrap: try bootstrap(), stateFolder: option(stateDir, "STATE_DIR"),
            identity: try identity(), drainTime: .seconds(drainTime),
            accessLogPath: option(accessLog, "ACCESS_LOG"),
            rejectsUnknownFields: rejectUnknownDynamicFields, logLevel: logLevel)
        if let concurrency { settings.workerCount = concurrency }
        if concurrency == nil, let text = option(nil, "CONCURRENCY") {
            guard let count = Int(text), (1...256).contains(count) else {
                throw ValidationError("$POINTSMAN_CONCURRENCY: \"\(text)\" is not 1…256.")
            }
            settings.workerCount = count
        }
        return settings
    }

    private func bootstrap() throws -> Bootstrap {
        guard let configPath else { return try bootstrapForControlPlane() }
        let text: [UInt8]
        do throws(Errno) {
            text = try File.read(configPath, limit: Bootstrap.fileLimit)
        } catch {
            throw fail("\(configPath): \(error)")
        }
        var bootstrap: Bootstrap
        do throws(BootstrapError) {
            bootstrap = try Bootstrap(parsing: text)
        } catch {
            throw fail("\(configPath): \(error)")
        }
        if let admin = option(admin, "ADMIN") { bootstrap.admin = try place(admin, "--admin") }
        return bootstrap
    }

    private func bootstrapForControlPlane() throws -> Bootstrap {
        guard let service = option(service, "SERVICE") else {
            throw ValidationError("--control needs --service NAME.")
        }
        let control = try place(option(control, "CONTROL") ?? "", "--control")
        let identifier =
            option(nodeID, "NODE_ID")
            ?? "\(service)-\(Machine.hostName())-\(Machine.processIdentifier)"
        let outbound = try address(option(outbound, "OUTBOUND") ?? "127.0.0.1:15001", "--outbound")
        var metadata: [String: MetadataValue] = ["outbound_address": .string(outbound)]
        if let inbound = option(inbound, "INBOUND") {
            guard let application = option(application, "APPLICATION") else {
                throw ValidationError("--inbound needs --application ADDR.")
            }
            metadata["inbound_address"] = .string(try address(inbound, "--inbound"))
            metadata["application_address"] = .string(try address(application, "--application"))
        }
        let node = NodeIdentity(
            id: identifier, cluster: service, metadata: metadata,
            userAgentVersion: SidecarSettings.version)
        let admin = try place(option(admin, "ADMIN") ?? "127.0.0.1:15000", "--admin")
        return Bootstrap(node: node, admin: admin, control: control)
    }

    private func identity() throws -> IdentitySettings? {
        let tokenPath = option(identityTokenFile, "IDENTITY_TOKEN_FILE")
        guard configPath == nil, let roots = option(controlRoots, "CONTROL_ROOTS") else {
            if identityTokenFile != nil || controlRoots != nil {
                throw ValidationError(
                    "--identity-token-file and --control-roots go together, with --control.")
            }
            return nil
        }
        if tokenPath == nil, option(stateDir, "STATE_DIR") == nil {
            throw ValidationError(
                "--control-roots needs --identity-token-file, or a --state-dir with a certificate.")
        }
        let name = option(trustDomain, "TRUST_DOMAIN")
        guard
            let identity = IdentitySettings(
                rootsPath: roots, tokenPath: tokenPath, trustDomain: name)
        else { throw ValidationError("--trust-domain: \"\(name ?? "")\" is not a DNS name.") }
        return identity
    }

    private func option(_ value: String?, _ variable: String) -> String? {
        value ?? Environment.value(of: "POINTSMAN_" + variable)
    }

    private func address(_ text: String, _ name: String) throws -> String {
        guard let address = SocketAddress(parsing: text) else {
            throw ValidationError("\(name): \"\(text)\" is not IP:PORT, such as 127.0.0.1:15001.")
        }
        return address.description
    }

    private func place(_ text: String, _ name: String) throws -> Bootstrap.HostAndPort {
        guard let (host, port) = SocketAddress.split(text) else {
            throw ValidationError("\(name): \"\(text)\" is not HOST:PORT.")
        }
        return Bootstrap.HostAndPort(host: host, port: port)
    }

    private func orExplain<Value>(
        _ body: () throws(SidecarError) -> Value
    ) throws -> Value {
        do throws(SidecarError) {
            return try body()
        } catch {
            throw fail("\(error)")
        }
    }

    private func fail(_ message: String) -> ExitCode {
        StandardStream.error.write("pointsman-proxy: \(message)\n")
        return ExitCode(1)
    }
}

extension LogLevel: ExpressibleByArgument {}
