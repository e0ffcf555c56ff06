public import Kernel
public import TLS

/// Why a run cannot begin, or has come to nothing.
public enum BenchError: Error, Equatable, Sendable {
    case url(String, URLFault)
    /// An option that cannot be read as what it should be.
    case option(name: String, value: String, expected: String)
    /// Two options that cannot stand together.
    case conflict(String, String)
    case condition(String, ConditionFault)
    case file(path: String, Errno)
    case unknownHost(String)
    /// No connection came about before the run began.
    case cannotConnect(String, Errno)
    /// Every connection was made, and no handshake came to its end.
    case cannotSecure(String, TLSError)
    /// A server speaks TLS, and no HTTP/2 over it.
    case noHTTP2(String)
    /// Certificates or keys that were given cannot be used.
    case terms(TLSError)
    /// Every connection was made, and none brought an answer.
    case noAnswer(String)
    /// The machine refused a thread, a descriptor or a file.
    case machine(Errno)
    /// The process may not open as many descriptors as there are connections.
    case descriptors(wanted: Int, limit: Int)

    public enum URLFault: Equatable, Sendable {
        case scheme
        case authority
        case path
    }

    public enum ConditionFault: Error, Equatable, Sendable {
        case malformed
        case metric(String)
        case value(String)
        /// A time for a share, a share for a time, and the like.
        case unit(metric: String, expected: String)
        /// A multiple of another target's figure, and there is none.
        case needsComparison
        case tooMany
    }
}

extension BenchError {
    /// Whether the command line is at fault, rather than the world.
    public var isUsage: Bool {
        switch self {
        case .url, .option, .conflict, .condition, .file, .terms: true
        case .unknownHost, .cannotConnect, .cannotSecure, .noHTTP2, .noAnswer, .machine,
            .descriptors:
            false
        }
    }

    /// Whether the target is at fault.
    public var isUnreachable: Bool {
        switch self {
        case .unknownHost, .cannotConnect, .cannotSecure, .noHTTP2, .noAnswer: true
        case .url, .option, .conflict, .condition, .file, .terms, .machine, .descriptors: false
        }
    }

    /// What is wrong, in one sentence without a full stop.
    public var message: String {
        switch self {
        case .url(let url, .scheme): "'\(url)' is neither an http:// nor an https:// URL"
        case .url(let url, .authority): "'\(url)' names no host and port that could be reached"
        case .url(let url, .path): "the path of '\(url)' has bytes that no URL may have"
        case .option(let name, let value, let expected):
            "\(name) must be \(expected), not '\(value)'"
        case .conflict(let one, let other): "\(one) and \(other) exclude each other"
        case .condition(let text, let fault): "--fail-if '\(text)': \(fault.message)"
        case .file(let path, let error): "\(path): \(error)"
        case .unknownHost(let host): "no address is known for '\(host)'"
        case .cannotConnect(let address, let error): "cannot connect to \(address): \(error)"
        case .cannotSecure(let address, let error): "no TLS session with \(address): \(error)"
        case .noHTTP2(let address): "\(address) does not offer HTTP/2 over TLS"
        case .terms(let error): "the files for TLS cannot be used: \(error)"
        case .noAnswer(let url): "not one request to \(url) was answered"
        case .machine(let error): "the machine refused what a run needs: \(error)"
        case .descriptors(let wanted, let limit):
            "\(wanted) connections need more descriptors than the \(limit) this process may open"
        }
    }

    /// What to try next; `nil` when there is nothing better than the message.
    public var hint: String? {
        switch self {
        case .url: "give the target as http://HOST:PORT/PATH or https://HOST:PORT/PATH"
        case .condition: "write it as METRIC OPERATOR VALUE: p99>5ms, errors>0.1%, rate<3900"
        case .cannotConnect: "see whether something listens there"
        case .cannotSecure: "see --cacert, --cert, --key and --server-name"
        case .noHTTP2: "leave --http2 out"
        case .noAnswer: "the errors above say what happened instead"
        case .descriptors: "raise the limit with 'ulimit -n', or ask for fewer connections"
        case .option, .conflict, .file, .terms, .unknownHost, .machine: nil
        }
    }
}

extension BenchError.ConditionFault {
    fileprivate var message: String {
        switch self {
        case .malformed: "it is not METRIC OPERATOR VALUE with one of > >= < <="
        case .metric(let name):
            "'\(name)' is none of p50 … p99.99, min, mean, max, stddev, rate, requests, errors, "
                + "dropped"
        case .value(let text): "'\(text)' is no number"
        case .unit(let metric, let expected): "\(metric) is compared with \(expected)"
        case .needsComparison: "a multiple (1.5x) needs --compare"
        case .tooMany: "there are more than \(BenchLimits.conditionCount) conditions"
        }
    }
}
