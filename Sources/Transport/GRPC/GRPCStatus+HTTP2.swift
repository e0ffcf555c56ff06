import HTTP
import HTTP2

extension GRPCStatus {
    /// What a stream's end without trailers means (gRPC over HTTP/2, Errors).
    init(_ code: ErrorCode) {
        let number: Code =
            switch code {
            case .refusedStream: .unavailable
            case .cancel: .cancelled
            case .enhanceYourCalm: .resourceExhausted
            case .inadequateSecurity: .permissionDenied
            default: .internal
            }
        self.init(number, "stream reset with HTTP/2 error \(code.rawValue)")
    }

    /// What the end of a connection means for its calls.
    init(_ end: HTTP2ConnectionEnd) {
        self.init(.unavailable, "\(end)")
    }
}

extension SessionLimits {
    /// What a gRPC connection needs of its HTTP/2 session.
    init(_ limits: GRPCLimits, callsPerQueue: Int) {
        self.init()
        concurrentStreamCount = limits.callCountPerConnection
        streamWindowByteCount = limits.windowByteCount
        connectionWindowByteCount = limits.windowByteCount
        streamQueueByteCount = limits.queuedByteCount
        sessionQueueByteCount = limits.queuedByteCount * callsPerQueue
    }
}

extension GRPCLimits {
    var patience: HTTP2Connection.Patience {
        HTTP2Connection.Patience(
            connect: connectTimeout, keepAliveInterval: keepAliveInterval,
            keepAliveTimeout: keepAliveTimeout)
    }
}
