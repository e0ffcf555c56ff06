/// What a peer does that costs work and brings nothing, or breaks the rules.
public enum Glitch: Int, CaseIterable, Sendable {
    case ping
    case settings
    case priority
    /// A WINDOW_UPDATE that no data of ours gave a reason for.
    case windowUpdate
    /// DATA without data, that does not end its stream either.
    case emptyData
    /// A frame of a type that HTTP/2 does not know.
    case unknownFrame
    case goAway
    /// An informational head, of which there may be any number.
    case informational
    /// A stream that the peer reset.
    case resetReceived
    /// A stream that we reset because the peer made us do it.
    case resetSent
    /// A frame that breaks the rules of its stream.
    case invalidFrame
    /// A head beyond the limits.
    case oversizedHead
    /// A head in more parts than are taken.
    case continuation
    /// A message that breaks the rules of HTTP, for which its stream was reset (RFC 9113 §8.1.1).
    case malformedMessage
    /// An error for which the connection is ended (RFC 9113 §5.4.1).
    case connectionError
}

/// How often there was which ``Glitch``.
public struct GlitchCounts: Sendable {
    private var counts = InlineArray<15, UInt32>(repeating: 0)
    public private(set) var isEmpty = true

    init() {}

    public subscript(_ glitch: Glitch) -> UInt32 { counts[glitch.rawValue] }

    mutating func add(_ glitch: Glitch) {
        counts[glitch.rawValue] &+= 1
        isEmpty = false
    }
}
