/// How long things last; in seconds.
struct AuthorityPolicy: Equatable {
    static let shortestLifetime: Int64 = 30
    static let longestLifetime: Int64 = 7 * day
    static let standardLifetime: Int64 = day
    private static let day: Int64 = 86_400

    /// What a certificate is issued for at most, and when nothing else is wished.
    var certificateLifetime = Self.standardLifetime
    var rootLifetime = 3650 * Self.day
    /// A root with less than this left is followed by another: more than an intermediate's time.
    var rootMargin = 400 * Self.day
    var intermediateLifetime = 365 * Self.day
    /// The same of an intermediate: more than any certificate's time.
    var intermediateMargin = 60 * Self.day
    /// How far clocks may be apart: a certificate begins to be good so long before it is issued,
    /// and what has ended is held to be good so long.
    var clockSkew: Int64 = 60
}
