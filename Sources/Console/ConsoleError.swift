public import Kernel

/// Why a command failed; each case knows what to say, what to try, and how the program exits.
public enum ConsoleError: Error, Equatable, Sendable {
    case weights(WeightFault)
    /// An argument of the command line that cannot be read as what it should be.
    case argument(name: String, value: String, expected: String)
    /// `https` needs a control plane that speaks TLS, which none does yet.
    case unsupportedScheme(url: String)
    case file(path: String, Errno)
    /// A document that is not YAML or JSON, or not a list of services.
    case document(path: String, fault: DocumentFault)
    case unknownHost(String)
    case cannotConnect(String, Errno)
    /// The server closed the connection before a whole answer, or sent what no control plane does.
    case brokenAnswer(String)
    /// No whole answer within the time of one request.
    case noAnswer(String, after: Duration)
    case answerTooLarge(limitBytes: Int)
    /// The control plane refused the request (RFC 9457 §3).
    case refused(Problem)
    /// A revision is not in effect everywhere in time; it stays valid and is still being pushed.
    case waitTimedOut(RevisionStatus, after: Duration)
    case sidecarsRefused(RevisionStatus)
    /// `check` found something wrong and has said what.
    case checksFailed(count: Int, isReachable: Bool)
    case unknownProxy(String)

    public enum WeightFault: Equatable, Sendable {
        case none
        case malformed(argument: String)
        case negative(argument: String)
        case repeated(version: String)
        case allZero
        case tooMany(limit: Int)
    }

    public enum DocumentFault: Equatable, Sendable {
        case malformed(reason: String)
        case noServices
        case noName
        case repeatedName(String)
        case notAMapping(path: String)
        case unknownKey(String)
    }
}

/// How the program ends, for scripts.
public enum ProgramExit: Int32, CaseIterable, Sendable {
    case success = 0
    /// The control plane refused the request, or the command failed.
    case failure = 1
    case usage = 2
    case unreachable = 3
    case timedOut = 4
    /// Someone else changed the same thing meanwhile; read again and retry.
    case conflict = 5
    /// At least one sidecar refused the revision and keeps the last good one.
    case refusedBySidecar = 6
    /// `bench` has seen what it was told that must not be.
    case conditionHeld = 7
}

extension ConsoleError {
    public var exitStatus: ProgramExit {
        switch self {
        case .weights, .argument, .unsupportedScheme, .file, .document: .usage
        case .unknownHost, .cannotConnect, .brokenAnswer, .noAnswer: .unreachable
        case .answerTooLarge, .unknownProxy: .failure
        case .checksFailed(_, let isReachable): isReachable ? .failure : .unreachable
        case .refused(let problem): problem.isConflict ? .conflict : .failure
        case .waitTimedOut: .timedOut
        case .sidecarsRefused: .refusedBySidecar
        }
    }

    /// What is wrong, in one sentence without a full stop.
    public var message: String {
        switch self {
        case .weights(let fault): fault.message
        case .argument(let name, let value, let expected):
            "\(name) must be \(expected), not '\(value)'"
        case .unsupportedScheme(let url): "'\(url)' is not an http:// URL"
        case .file(let path, let error): "cannot read \(path): \(error)"
        case .document(let path, let fault): "\(path): \(fault.message)"
        case .unknownHost(let host): "no address is known for '\(host)'"
        case .cannotConnect(let address, let error):
            "cannot reach the control plane at \(address): \(error)"
        case .brokenAnswer(let address):
            "what listens at \(address) did not answer as a control plane does"
        case .noAnswer(let address, let time):
            "the control plane at \(address) did not answer within \(time.shortText)"
        case .answerTooLarge(let limit):
            "the answer is larger than \(limit / 1_048_576) MiB"
        case .refused(let problem): problem.message
        case .waitTimedOut(let status, let time):
            "revision \(status.number) is live on \(status.applied) of \(status.total) sidecars "
                + "after \(time.shortText)"
        case .sidecarsRefused(let status):
            "revision \(status.number) was refused by \(status.refusals.count) of "
                + "\(status.total) sidecars"
        case .unknownProxy(let name): "no sidecar of the name '\(name)' is connected"
        case .checksFailed(let count, _):
            "\(count) check\(count == 1 ? "" : "s") failed"
        }
    }

    /// Further facts, one to a line: wrong fields, laggards, refusals.
    public var details: [String] {
        switch self {
        case .refused(let problem): problem.details
        case .waitTimedOut(let status, _): status.laggards.map { "waiting for \($0)" }
        case .sidecarsRefused(let status):
            status.refusals.map { "\($0.proxy): \($0.reason)" }
        default: []
        }
    }

    /// What to try next; `nil` when there is nothing better than the message.
    public var hint: String? {
        switch self {
        case .weights: "write each version with its weight: pointsman split reviews v1=95 v2=5"
        case .argument(let name, _, _): "see 'pointsman help' for what \(name) takes"
        case .unsupportedScheme: "give --control as http://HOST:PORT"
        case .file: "use '-f -' to read from standard input"
        case .document(_, .noServices):
            "the document needs 'services:' with one entry for each service"
        case .document: nil
        case .unknownHost, .cannotConnect, .brokenAnswer:
            "start one with 'pointsman-control', or name it with --control URL or POINTSMAN_API"
        case .noAnswer: "see whether it is alive with 'pointsman check'"
        case .answerTooLarge: nil
        case .refused(let problem): problem.hint
        case .waitTimedOut(let status, _):
            "it is still being pushed; see who lags with 'pointsman get revisions \(status.number)'"
        case .sidecarsRefused:
            "they keep the last good revision; go back with 'pointsman restore N'"
        case .unknownProxy: "see who is connected with 'pointsman proxies'"
        case .checksFailed: nil
        }
    }
}

extension ConsoleError.WeightFault {
    fileprivate var message: String {
        switch self {
        case .none: "no weights are given"
        case .malformed(let argument): "'\(argument)' is not VERSION=WEIGHT"
        case .negative(let argument): "the weight in '\(argument)' is negative"
        case .repeated(let version): "version '\(version)' is given twice"
        case .allZero: "all weights are zero, so no version would get a request"
        case .tooMany(let limit): "more than \(limit) versions are given"
        }
    }
}

extension ConsoleError.DocumentFault {
    fileprivate var message: String {
        switch self {
        case .malformed(let reason): reason
        case .noServices: "there is no service in it"
        case .noName: "a service in a list needs its 'name'"
        case .repeatedName(let name): "service '\(name)' stands twice"
        case .unknownKey(let key): "'\(key)' is not known; only 'services' is"
        case .notAMapping(let path): "'\(path)' must be a mapping"
        }
    }
}
