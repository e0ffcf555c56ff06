import Bytes
import HTTP
import Mesh

@testable import Routing

/// A request to match, in text.
struct Request: CustomStringConvertible, Sendable {
    var method = "GET"
    var authority = "reviews"
    var path: String
    var fields: [(String, String)] = []

    init(
        _ path: String, to authority: String = "reviews", method: String = "GET",
        _ fields: [(String, String)] = []
    ) {
        self.method = method
        self.authority = authority
        self.path = path
        self.fields = fields
    }

    var description: String { "\(method) \(authority)\(path) \(fields)" }

    func makeHead() -> RequestHead {
        var head = RequestHead()
        head.methodRange = head.fields.store(method.utf8.span)
        head.authorityRange = head.fields.store(authority.utf8.span)
        head.pathRange = head.fields.store(path.utf8.span)
        for (name, value) in fields {
            head.fields.append(name: name.utf8.span, value: value.utf8.span)
        }
        return head
    }
}

extension RouteTable {
    /// The name of the route that the request matches.
    func name(for request: Request, isSecure: Bool = false) -> String? {
        let head = request.makeHead()
        guard let route = match(head, Surroundings(isSecure: isSecure)) else { return nil }
        return text { appendName(of: route, to: &$0) }
    }
}

/// What `append` appends.
func text(_ append: (inout Buffer) -> Void) -> String {
    var buffer = Buffer()
    append(&buffer)
    return String(buffer.bytes)
}

func makeTable(
    _ routes: [Route], domains: [String] = ["*"], ignoringPort: Bool = false, seed: UInt64 = 1
) throws -> RouteTable {
    let host = try VirtualHost(
        name: "host", domains: try domains.map { try DomainPattern(parsing: $0) }, routes: routes)
    let configuration = try RouteConfiguration(
        name: "outbound", virtualHosts: [host], ignoresPortInHostMatching: ignoringPort)
    return try RouteTable.compile(configuration, seed: seed).table
}

func makeRoute(_ name: String, _ match: RouteMatch) throws -> Route {
    Route(
        name: name, match: match,
        action: .directResponse(try DirectResponseAction(status: 200, body: Array(name.utf8))))
}
