import Bytes

/// One thread's access log: builds one line of JSON for each request and hands lines over in
/// batches to the thread that writes them.
///
/// Begin, add each field once, end; what a request does not have is left out by not adding it.
/// Nothing here waits: a line that does not fit is dropped and counted.
public struct AccessLog: ~Copyable {
    public enum TextField: Sendable {
        case method, authority, path, requestProtocol, upstreamHost, route, cluster
        case downstreamRemote, requestID, userAgent
        /// Which rule has refused the request.
        case responseCodeDetails
        /// Which rule that is only tried out would have.
        case shadowDenied
    }

    public enum NumberField: Sendable {
        case status, bytesReceived, bytesSent, attempts
    }

    public enum DurationField: Sendable {
        /// From the first byte of the request to the last byte of the response.
        case total
        /// From the request sent to the head of the response received.
        case upstreamService
    }

    /// Longest text of one field in bytes before escaping; a longer one is cut.
    public static var maximumTextByteCount: Int { 4096 }
    /// Most bytes of finished lines that wait for ``flush()``.
    public static var maximumPendingByteCount: Int { 256 * 1024 }

    private let queue: AccessLogQueue
    private var line = Buffer()
    private var pending = Buffer()

    /// - Parameter queue: Where finished lines go; shared by all threads that log.
    public init(to queue: AccessLogQueue) {
        self.queue = queue
    }

    /// Whether finished lines wait for ``flush()``.
    public var hasPending: Bool { !pending.isEmpty }

    public mutating func begin(at time: Timestamp) {
        line.removeAll()
        line.append("{\"time\":\"")
        time.append(to: &line)
        line.append("\"")
    }

    public mutating func add(_ field: TextField, _ text: Span<UInt8>) {
        switch field {
        case .method: line.append(",\"method\":")
        case .authority: line.append(",\"authority\":")
        case .path: line.append(",\"path\":")
        case .requestProtocol: line.append(",\"protocol\":")
        case .upstreamHost: line.append(",\"upstream_host\":")
        case .route: line.append(",\"route\":")
        case .cluster: line.append(",\"cluster\":")
        case .downstreamRemote: line.append(",\"downstream_remote\":")
        case .requestID: line.append(",\"request_id\":")
        case .userAgent: line.append(",\"user_agent\":")
        case .responseCodeDetails: line.append(",\"response_code_details\":")
        case .shadowDenied: line.append(",\"rbac_shadow_denied\":")
        }
        let shown = Swift.min(text.count, Self.maximumTextByteCount)
        line.append(jsonString: text.extracting(0..<shown))
    }

    public mutating func add(_ field: TextField, _ text: String) {
        add(field, text.utf8.span)
    }

    public mutating func add(_ field: NumberField, _ number: UInt64) {
        switch field {
        case .status: line.append(",\"status\":")
        case .bytesReceived: line.append(",\"bytes_received\":")
        case .bytesSent: line.append(",\"bytes_sent\":")
        case .attempts: line.append(",\"attempts\":")
        }
        line.append(decimal: number)
    }

    /// Adds a time in milliseconds with three decimals.
    public mutating func add(_ field: DurationField, nanoseconds: UInt64) {
        switch field {
        case .total: line.append(",\"duration_ms\":")
        case .upstreamService: line.append(",\"upstream_service_time_ms\":")
        }
        line.append(decimal: nanoseconds / 1_000_000)
        line.append(".")
        let microseconds = nanoseconds / 1000 % 1000
        if microseconds < 100 { line.append("0") }
        if microseconds < 10 { line.append("0") }
        line.append(decimal: microseconds)
    }

    /// Adds `response_flags`, which every line should have.
    public mutating func add(_ flags: ResponseFlags) {
        line.append(",\"response_flags\":\"")
        flags.append(to: &line)
        line.append("\"")
    }

    /// Finishes the line; it is dropped when too many wait already.
    public mutating func end() {
        line.append("}\n")
        if pending.count + line.count > Self.maximumPendingByteCount {
            queue.countDropped()
        } else {
            Self.append(line, to: &pending)
        }
        line.removeAll()
    }

    /// Hands finished lines over, once for each turn of the loop.
    ///
    /// - Returns: Whether the writer must be woken: the queue was empty before. When the queue is
    ///   full the lines stay here and the next flush tries again.
    public mutating func flush() -> Bool {
        if pending.isEmpty { return false }
        return queue.offer(&pending) == .acceptedByEmptyQueue
    }
    private static func append(_ line: borrowing Buffer, to pending: inout Buffer) {
        pending.append(line.bytes)
    }
}
