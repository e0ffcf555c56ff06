/// What a decoder understood next.
public enum Event: Equatable, Sendable {
    /// All of the input is taken in, and more is needed to go on.
    case needMore
    /// A head is complete.
    case head
    /// A part of the body, as positions in the input.
    case body(Range<Int>)
    /// The message is complete; what is left of the input belongs to the next one.
    case end
}

/// One step of a decoder.
public struct Decoded: Equatable, Sendable {
    public var event: Event
    /// How many bytes of the input are done with; the caller drops them and offers the rest again.
    public var consumed: Int
}

/// What the end of a connection means for the message that was being read.
public enum EndOfInput: Equatable, Sendable {
    /// The connection ended between two messages.
    case betweenMessages
    /// The end of the connection is the end of the body (RFC 9112 §6.3 rule 8).
    case endOfBody
}
