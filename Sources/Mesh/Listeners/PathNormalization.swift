/// How the path of a request is brought into one form before anything looks at it, so that no
/// spelling of it gets around a rule: `normalize_path`, `merge_slashes` and
/// `path_with_escaped_slashes_action` of `HttpConnectionManager`, in the order in which they come.
public struct PathNormalization: Equatable, Sendable {
    /// What becomes of `%2F` and `%5C`, which some programs take for slashes.
    public enum EscapedSlashes: Sendable {
        case keep
        /// The request is answered with 400.
        case reject
        /// The client is sent to the path without them, with 307; a call of gRPC is refused.
        case redirect
        case unescape
    }

    /// Nothing is changed.
    public static let none = PathNormalization()

    public let escapedSlashes: EscapedSlashes
    /// Decodes what need not be escaped and takes `.` and `..` out (RFC 3986 §6.2.2); a backslash
    /// counts as a slash, as programs that serve browsers take it.
    public let resolves: Bool
    /// Makes one slash of several that follow each other.
    public let mergesSlashes: Bool

    public init(
        resolves: Bool = false, mergesSlashes: Bool = false, escapedSlashes: EscapedSlashes = .keep
    ) {
        self.resolves = resolves
        self.mergesSlashes = mergesSlashes
        self.escapedSlashes = escapedSlashes
    }
}
