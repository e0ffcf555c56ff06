public import Bytes

/// Why a response is what it is, in Envoy's access-log codes (`%RESPONSE_FLAGS%`).
public struct ResponseFlags: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// UH: the cluster has no healthy endpoint.
    public static let noHealthyUpstream = ResponseFlags(rawValue: 1 << 0)
    /// UF: no connection to the upstream could be made.
    public static let upstreamConnectFailure = ResponseFlags(rawValue: 1 << 1)
    /// UO: a circuit breaker was open.
    public static let upstreamOverflow = ResponseFlags(rawValue: 1 << 2)
    /// NR: no route matches.
    public static let noRoute = ResponseFlags(rawValue: 1 << 3)
    /// NC: the route names a cluster that does not exist.
    public static let noCluster = ResponseFlags(rawValue: 1 << 4)
    /// UT: the upstream took longer than the route allows.
    public static let upstreamTimeout = ResponseFlags(rawValue: 1 << 5)
    /// UC: the upstream ended the connection.
    public static let upstreamConnectionTermination = ResponseFlags(rawValue: 1 << 6)
    /// UR: the upstream reset the stream.
    public static let upstreamReset = ResponseFlags(rawValue: 1 << 7)
    /// URX: all attempts are used up.
    public static let retryLimitExceeded = ResponseFlags(rawValue: 1 << 8)
    /// DC: the client ended the connection.
    public static let downstreamConnectionTermination = ResponseFlags(rawValue: 1 << 9)
    /// DPE: the client's bytes are not HTTP.
    public static let downstreamProtocolError = ResponseFlags(rawValue: 1 << 10)
    /// UPE: the upstream's bytes are not HTTP.
    public static let upstreamProtocolError = ResponseFlags(rawValue: 1 << 11)
    /// LH: the proxy itself was told to fail its health checks.
    public static let localHealthFailed = ResponseFlags(rawValue: 1 << 12)
    /// LR: the proxy reset the stream.
    public static let localReset = ResponseFlags(rawValue: 1 << 13)
    /// SI: the stream was idle for too long.
    public static let streamIdleTimeout = ResponseFlags(rawValue: 1 << 14)
    /// UMSDR: the stream lived for longer than the route allows.
    public static let maximumDurationReached = ResponseFlags(rawValue: 1 << 15)
    /// OM: the proxy sheds load.
    public static let overload = ResponseFlags(rawValue: 1 << 16)
    /// DR: the client reset its stream.
    public static let downstreamRemoteReset = ResponseFlags(rawValue: 1 << 17)

    /// Every single flag there is.
    public static var all: [ResponseFlags] { (0..<18).map { ResponseFlags(rawValue: 1 << $0) } }

    /// The codes as text, for metrics.
    public var codes: String {
        var text = Buffer()
        append(to: &text)
        return String(text.bytes)
    }

    /// Appends the codes, separated by commas; `-` when there are none.
    public func append(to text: inout Buffer) {
        if isEmpty {
            text.append("-")
            return
        }
        var isFirst = true
        var rest = rawValue
        while rest != 0 {
            let lowest = rest & (0 &- rest)
            rest ^= lowest
            if !isFirst { text.append(",") }
            isFirst = false
            text.append(Self.code(of: ResponseFlags(rawValue: lowest)))
        }
    }

    private static func code(of flag: ResponseFlags) -> StaticString {
        switch flag {
        case noHealthyUpstream: "UH"
        case upstreamConnectFailure: "UF"
        case upstreamOverflow: "UO"
        case noRoute: "NR"
        case noCluster: "NC"
        case upstreamTimeout: "UT"
        case upstreamConnectionTermination: "UC"
        case upstreamReset: "UR"
        case retryLimitExceeded: "URX"
        case downstreamConnectionTermination: "DC"
        case downstreamProtocolError: "DPE"
        case upstreamProtocolError: "UPE"
        case localHealthFailed: "LH"
        case localReset: "LR"
        case streamIdleTimeout: "SI"
        case maximumDurationReached: "UMSDR"
        case overload: "OM"
        case downstreamRemoteReset: "DR"
        default: "?"
        }
    }
}
