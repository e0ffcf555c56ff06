import FoundationEssentials
import Kernel

/// What the command line and the environment say about all commands.
public struct Settings: Equatable, Sendable {
    public var address: ControlAddress
    public var token: String?
    public var user: String?

    /// Most bytes of a token file.
    public static let tokenByteLimit = 16_384

    /// Arguments come before the environment: `POINTSMAN_API`, `POINTSMAN_TOKEN`,
    /// `POINTSMAN_TOKEN_FILE`, and `USER` or `LOGNAME`.
    ///
    /// - Throws: ``ConsoleError`` for an address or a token that cannot be read.
    public init(
        control: String?, token: String?, tokenFile: String?, user: String?,
        environment: [String: String]
    ) throws(ConsoleError) {
        address =
            switch control ?? environment["POINTSMAN_API"].nonEmpty {
            case let text?: try ControlAddress(parsing: text)
            case nil: .standard
            }
        let isGiven = token != nil || tokenFile != nil
        let file = tokenFile ?? (isGiven ? nil : environment["POINTSMAN_TOKEN_FILE"].nonEmpty)
        if let token = token ?? (isGiven ? nil : environment["POINTSMAN_TOKEN"].nonEmpty) {
            self.token = try Self.checked(token)
        } else if let file {
            self.token = try Self.checked(try Self.contents(of: file))
        }
        self.user = user ?? environment["USER"].nonEmpty ?? environment["LOGNAME"].nonEmpty
    }

    private static func contents(of path: String) throws(ConsoleError) -> String {
        do throws(Errno) {
            let bytes = try File.read(path, limit: tokenByteLimit)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw .file(path: path, error)
        }
    }

    /// The token without white space around it; refused when it would not fit into a field.
    private static func checked(_ token: String) throws(ConsoleError) -> String {
        let trimmed = token.drop(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }.map { trimmed.index(after: $0) }
        let word = trimmed[..<(end ?? trimmed.startIndex)]
        if word.isEmpty || !word.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            // The token itself is kept out of the message.
            throw .argument(name: "--token", value: "…", expected: "one word of ASCII")
        }
        return String(word)
    }
}

extension Settings {
    /// The environment of this process.
    public static var environment: [String: String] { ProcessInfo.processInfo.environment }
}

extension Screen {
    /// Standard output and standard error.
    public static func standard(environment: [String: String]) -> Screen {
        let output = StandardStream.output
        let error = StandardStream.error
        return Screen(
            palette: Palette(isTerminal: output.isTerminal, environment: environment),
            messagePalette: Palette(isTerminal: error.isTerminal, environment: environment),
            isInteractive: error.isTerminal && environment["TERM"] != "dumb",
            write: { output.write($0) }, writeMessage: { error.write($0) })
    }
}

extension Optional<String> {
    fileprivate var nonEmpty: String? { self?.isEmpty == true ? nil : self }
}
