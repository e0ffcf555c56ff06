/// Where a request comes from, as a browser tells it.
///
/// Without tokens the API trusts this machine, and a browser on it runs pages of strangers: they
/// may not send anything, nor read it under a name of their own that leads here.
enum Origin {
    /// Refuses a request for another name than this machine's, or for a page of another origin.
    ///
    /// - Throws: ``Problem`` 403.
    static func check(_ request: APIRequest) throws(Problem) {
        let host = request.field("host") ?? ""
        if !host.isEmpty, !isLocal(host) {
            throw Problem(403, "\"\(printable(host))\" is not a name of this machine's loopback")
        }
        if let origin = request.field("origin"),
            origin.lowercased() != "http://" + host.lowercased()
        {
            throw Problem(403, "a page of \(printable(origin)) may not use the API")
        }
    }

    private static func isLocal(_ host: String) -> Bool {
        if host.hasPrefix("[") { return host == "[::1]" || host.hasPrefix("[::1]:") }
        let name = (host.split(separator: ":").first ?? "").lowercased()
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress = numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil }
        return name == "localhost" || name.hasSuffix(".localhost")
            || isAddress && numbers[0] == "127"
    }
}
