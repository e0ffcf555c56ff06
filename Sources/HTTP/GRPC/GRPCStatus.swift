import Bytes

/// How a gRPC call ended: `grpc-status` and `grpc-message`, or what stands for them.
public struct GRPCStatus: Error, Equatable, Sendable {
    /// The codes of gRPC; the raw value is what `grpc-status` carries.
    public enum Code: UInt8, Sendable, CaseIterable {
        case ok = 0
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16

        /// Reads the value of `grpc-status`; what is no known code counts as ``unknown``.
        public init(parsing value: Span<UInt8>) {
            var number = 0
            for index in value.indices {
                guard value[index].isASCIIDigit, value.count <= 3 else {
                    self = .unknown
                    return
                }
                number = number * 10 + Int(value[index] - 0x30)
            }
            self = value.isEmpty ? .unknown : Code(rawValue: UInt8(clamping: number)) ?? .unknown
        }

        /// What a response without `grpc-status` means (gRPC: HTTP to gRPC status code mapping).
        public init(httpStatus: UInt16) {
            self =
                switch httpStatus {
                case 400: .internal
                case 401: .unauthenticated
                case 403: .permissionDenied
                case 404: .unimplemented
                case 429, 502, 503, 504: .unavailable
                default: .unknown
                }
        }
    }

    /// The most bytes of `grpc-message` that are sent.
    public static var messageByteCountLimit: Int { 2048 }

    public var code: Code
    /// Why, for people; empty when there is nothing to say.
    public var message: String

    public init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }

    /// Reads the value of `grpc-message`, which is percent-encoded UTF-8.
    ///
    /// What is not well-formed stays as it is, as the gRPC specification asks.
    public init(_ code: Code, percentEncoded value: Span<UInt8>) {
        self.code = code
        var decoded: [UInt8] = []
        decoded.reserveCapacity(value.count)
        var index = 0
        while index < value.count {
            if value[index] == UInt8(ascii: "%"), value.count - index > 2,
                let high = value[index + 1].hexadecimalValue,
                let low = value[index + 2].hexadecimalValue
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(value[index])
                index += 1
            }
        }
        message = String(decoded.span)
    }

    /// The value of `grpc-message`: printable ASCII except `%` as it is, the rest as `%XX`.
    ///
    /// - Returns: At most ``messageByteCountLimit`` bytes; a longer message loses its end.
    public var percentEncodedMessage: [UInt8] {
        var encoded: [UInt8] = []
        for byte in message.utf8 {
            let isPlain = byte >= 0x20 && byte <= 0x7E && byte != UInt8(ascii: "%")
            if encoded.count + (isPlain ? 1 : 3) > Self.messageByteCountLimit { break }
            if isPlain {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded.append((byte >> 4).hexadecimalDigit)
                encoded.append((byte & 0xF).hexadecimalDigit)
            }
        }
        return encoded
    }
}

extension GRPCStatus: CustomStringConvertible {
    public var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }
}

extension UInt8 {
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The digit for a value below 16.
    fileprivate var hexadecimalDigit: UInt8 {
        self < 10 ? self + UInt8(ascii: "0") : self - 10 + UInt8(ascii: "A")
    }
}
