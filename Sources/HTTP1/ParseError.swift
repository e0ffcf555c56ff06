/// Why a peer's bytes are not a message that every reader would read the same way.
///
/// A server sends ``status`` and closes (RFC 9112 §9.6); a client closes, and its own client gets
/// a 502. The connection cannot be used again, since nobody knows where the next message begins.
public enum ParseError: Error, Equatable, Sendable {
    // Lines (RFC 9112 §2.2)
    case bareLineFeed
    case bareCarriageReturn
    case controlByte

    // Start lines (RFC 9112 §3, §4)
    case methodInvalid
    case targetInvalid
    case requestLineInvalid
    case requestLineTooLong
    case versionUnsupported
    case statusLineInvalid

    // Fields (RFC 9112 §5)
    case headTooLarge
    case fieldsTooMany
    case fieldNameInvalid
    case fieldFolded
    case spaceBeforeColon

    // What the fields say together (RFC 9112 §3.2, §6; RFC 9110 §7.6.1, §10.1.1)
    case hostMissing
    case hostRepeated
    case hostInvalid
    case contentLengthInvalid
    case contentLengthRepeated
    case contentLengthBesideTransferEncoding
    case transferEncodingInvalid
    case transferCodingUnknown
    case transferEncodingBeforeHTTP11
    case contentForbidden
    case connectionOptionInvalid
    case connectionOptionForbidden
    case connectionOptionsTooMany
    case expectationUnknown

    // Chunks and trailers (RFC 9112 §7.1)
    case chunkSizeInvalid
    case chunkSizeTooLarge
    case chunkExtensionInvalid
    case chunkExtensionsTooLarge
    case chunkLineTooLong
    case chunkDataUnterminated
    case trailersTooLarge
    case trailerForbidden

    // The order of messages
    case informationalResponsesTooMany
    case protocolSwitchUnexpected
    case responseUnexpected
    /// The connection ended inside a message (RFC 9112 §8).
    case messageTruncated

    /// What a server answers before it closes.
    public var status: UInt16 {
        switch self {
        case .bareLineFeed, .bareCarriageReturn, .controlByte, .methodInvalid, .targetInvalid,
            .requestLineInvalid, .statusLineInvalid, .fieldNameInvalid, .fieldFolded,
            .spaceBeforeColon, .hostMissing, .hostRepeated, .hostInvalid, .contentLengthInvalid,
            .contentLengthRepeated, .contentLengthBesideTransferEncoding, .transferEncodingInvalid,
            .transferEncodingBeforeHTTP11, .contentForbidden, .connectionOptionInvalid,
            .connectionOptionForbidden, .connectionOptionsTooMany, .chunkSizeInvalid,
            .chunkSizeTooLarge, .chunkExtensionInvalid, .chunkExtensionsTooLarge, .chunkLineTooLong,
            .chunkDataUnterminated, .trailerForbidden, .informationalResponsesTooMany,
            .protocolSwitchUnexpected, .responseUnexpected, .messageTruncated:
            400
        case .requestLineTooLong: 414
        case .expectationUnknown: 417
        case .headTooLarge, .fieldsTooMany, .trailersTooLarge: 431
        case .transferCodingUnknown: 501
        case .versionUnsupported: 505
        }
    }
}
