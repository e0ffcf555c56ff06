/// Throws when `name` is not a DNS label (RFC 1123 §2.1) in lower case.
func require(label name: String, _ path: String) throws(MeshError) {
    try require(nonEmpty: name, path)
    if name.utf8.count > 63 { throw MeshError(path, "is longer than 63 characters") }
    let isLabel = name.utf8.allSatisfy { byte in
        byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "-")
    }
    if !isLabel || name.hasPrefix("-") || name.hasSuffix("-") {
        throw MeshError(
            path, "\"\(name)\" is not a name of lower-case letters, digits and inner hyphens")
    }
}

/// Throws when `name` is not one or more DNS labels with dots between them, in lower case.
func require(subdomain name: String, _ path: String) throws(MeshError) {
    try require(nonEmpty: name, path)
    if name.utf8.count > 253 { throw MeshError(path, "is longer than 253 characters") }
    for label in name.split(separator: ".", omittingEmptySubsequences: false) {
        if label.isEmpty { throw MeshError(path, "\"\(name)\" has a dot too many") }
        try require(label: String(label), path)
    }
}

/// Throws when `text` is longer than a name or value in a condition may be.
func requireShort(_ text: String, _ path: String) throws(MeshError) {
    if text.utf8.count > Service.textByteLimit {
        throw MeshError(path, "is longer than \(Service.textByteLimit) bytes")
    }
}

/// Throws when `name` is not a cookie name (RFC 6265 §4.1.1).
func requireCookie(_ name: String, _ path: String) throws(MeshError) {
    try requireShort(name, path)
    try require(nonEmpty: name, path)
    for byte in name.utf8 where !byte.isTokenCharacter {
        throw MeshError(path, "\"\(name)\" is not a cookie name")
    }
}

/// Throws when no request has that path, as it stands before its query.
func require(path text: String, _ path: String) throws(MeshError) {
    try requireShort(text, path)
    if !text.hasPrefix("/") { throw MeshError(path, "must begin with /") }
    if text.contains("?") || text.contains("#") { throw MeshError(path, "must not contain ? or #") }
    for byte in text.utf8 where byte <= 0x20 || byte == 0x7F {
        throw MeshError(path, "contains a space or a control character")
    }
}

/// Throws when `text` is not a method (RFC 9110 §9.1).
func require(method text: String, _ path: String) throws(MeshError) {
    let isToken = text.utf8.allSatisfy(\.isTokenCharacter)
    if text.isEmpty || !isToken || text.utf8.count > 32 {
        throw MeshError(path, "\"\(text)\" is not a method")
    }
}
