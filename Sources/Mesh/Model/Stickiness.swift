/// What keeps a user on the version that it was given first.
public enum Stickiness: Equatable, Sendable {
    /// A cookie; a user that has none yet is given one, which lasts as long as the session.
    case cookie(String)
    case header(String)
    /// A parameter of the query.
    case query(String)
    /// The address that the connection comes from.
    case sourceAddress

    /// Makes a cookie's stickiness.
    ///
    /// - Throws: ``MeshError`` when `name` is not a cookie name (RFC 6265 §4.1.1).
    public static func cookie(named name: String) throws(MeshError) -> Stickiness {
        try requireCookie(name, "cookie")
        return .cookie(name)
    }

    /// Makes a field's stickiness.
    ///
    /// - Throws: ``MeshError`` when `name` is not a field name.
    public static func header(named name: String) throws(MeshError) -> Stickiness {
        try requireShort(name, "header")
        try require(fieldName: name, "header")
        return .header(name.asciiLowercased)
    }

    /// Makes a parameter's stickiness.
    ///
    /// - Throws: ``MeshError`` when `name` is empty or too long.
    public static func query(named name: String) throws(MeshError) -> Stickiness {
        try requireShort(name, "query")
        try require(nonEmpty: name, "query")
        try require(fieldValue: name, "query")
        return .query(name)
    }
}
