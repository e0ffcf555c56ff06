import Bytes

extension RequestHead {
    /// Whether the request is one of gRPC, by its type of content.
    public var isGRPC: Bool {
        guard let index = fields.firstIndex(named: "content-type") else { return false }
        return GRPCFraming.isContentType(fields.value(at: index))
    }

    /// How long the client waits, in nanoseconds, by `grpc-timeout`; `nil` when it does not say, or
    /// not in the words of gRPC: up to eight digits and a unit.
    public var grpcTimeout: UInt64? {
        guard let index = fields.firstIndex(named: "grpc-timeout") else { return nil }
        let value = fields.value(at: index)
        guard (2...9).contains(value.count) else { return nil }
        var number: UInt64 = 0
        for index in 0..<value.count - 1 {
            guard value[index].isASCIIDigit else { return nil }
            number = number * 10 + UInt64(value[index] - 0x30)
        }
        let unit: UInt64
        switch value[value.count - 1] {
        case UInt8(ascii: "n"): unit = 1
        case UInt8(ascii: "u"): unit = 1000
        case UInt8(ascii: "m"): unit = 1_000_000
        case UInt8(ascii: "S"): unit = 1_000_000_000
        case UInt8(ascii: "M"): unit = 60_000_000_000
        case UInt8(ascii: "H"): unit = 3_600_000_000_000
        default: return nil
        }
        let (nanoseconds, isBeyond) = number.multipliedReportingOverflow(by: unit)
        return isBeyond ? .max : nanoseconds
    }
}

extension ResponseHead {
    /// How the call ended, by `grpc-status` behind the body or, where there is none, in the head;
    /// `nil` when neither says.
    public var grpcStatus: GRPCStatus.Code? { trailers.grpcStatus ?? fields.grpcStatus }
}

extension Fields {
    /// The value of `grpc-status`; `nil` when there is none.
    public var grpcStatus: GRPCStatus.Code? {
        guard let index = firstIndex(named: "grpc-status") else { return nil }
        return GRPCStatus.Code(parsing: value(at: index))
    }

    fileprivate func firstIndex(named name: StaticString) -> Int? {
        for index in indices where self.name(at: index).equalsIgnoringCase(name) { return index }
        return nil
    }
}

extension GRPCStatus.Code {
    /// The status of HTTP that says as much, for who judges an endpoint by its answers.
    public var httpStatus: UInt16 {
        switch self {
        case .ok: 200
        case .invalidArgument, .failedPrecondition, .outOfRange: 400
        case .unauthenticated: 401
        case .permissionDenied: 403
        case .notFound: 404
        case .aborted, .alreadyExists: 409
        case .resourceExhausted: 429
        case .cancelled: 499
        case .unknown, .internal, .dataLoss: 500
        case .unimplemented: 501
        case .unavailable: 503
        case .deadlineExceeded: 504
        }
    }
}
