/// Why a stream or a connection ended (RFC 9113 §7); an open set, because peers may extend it.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static var noError: Self { Self(rawValue: 0x0) }
    public static var protocolError: Self { Self(rawValue: 0x1) }
    public static var internalError: Self { Self(rawValue: 0x2) }
    public static var flowControlError: Self { Self(rawValue: 0x3) }
    public static var settingsTimeout: Self { Self(rawValue: 0x4) }
    public static var streamClosed: Self { Self(rawValue: 0x5) }
    public static var frameSizeError: Self { Self(rawValue: 0x6) }
    public static var refusedStream: Self { Self(rawValue: 0x7) }
    public static var cancel: Self { Self(rawValue: 0x8) }
    public static var compressionError: Self { Self(rawValue: 0x9) }
    public static var connectError: Self { Self(rawValue: 0xA) }
    public static var enhanceYourCalm: Self { Self(rawValue: 0xB) }
    public static var inadequateSecurity: Self { Self(rawValue: 0xC) }
    public static var http11Required: Self { Self(rawValue: 0xD) }
}
