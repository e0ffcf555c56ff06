import Bytes
import HTTP
import Mesh
import Routing

/// Matching, the pick, and what a push costs.
var routingOperations: [Operation] {
    [
        Operation("route matched, 1 route") { try matchRoutes(of: 1, $0) },
        Operation("route matched, 100 routes") { try matchRoutes(of: 100, $0) },
        Operation("route matched, 10,000 routes") { try matchRoutes(of: 10_000, $0) },
        Operation("pick of 2 versions") { try pick(from: [95, 5], $0) },
        Operation("pick of 8 versions") { try pick(from: [50, 25, 10, 5, 4, 3, 2, 1], $0) },
        Operation("pick of 2 versions by a cookie", run: pickByCookie),
        Operation("rules of a plain route applied", run: applyRules),
        Operation("push planned and compiled, 1 route", usualCount: 100) {
            try push(routeCount: 1, $0)
        },
        Operation("push planned and compiled, 100 routes", usualCount: 10) {
            try push(routeCount: 100, $0)
        },
        Operation("push planned and compiled, 10,000 routes", usualCount: 1) {
            try push(routeCount: 10_000, $0)
        },
        Operation("table swapped", run: swapTables),
    ]
}

/// Every route has a path of its own; the request that ``makeRequest(to:)`` makes matches the last.
private func makeConfiguration(
    routeCount: Int, weights: [UInt32] = [95, 5], cookie: String? = nil
) throws -> RouteConfiguration {
    let entries = try weights.enumerated().map { index, weight in
        try WeightedClusters.Entry(name: "reviews/v\(index + 1)", weight: weight)
    }
    let policies = try cookie.map { [try HashPolicy(.cookie(.init(name: $0)))] } ?? []
    let action = RouteAction.forward(
        try ForwardAction(
            destination: .weighted(
                try WeightedClusters(entries: entries, usesHashPolicy: cookie != nil)),
            hashPolicies: policies))
    let routes = (1...routeCount).map { number in
        Route(
            name: "reviews/\(number)", match: RouteMatch(path: .prefix("/service-\(number)/")),
            action: action)
    }
    let host = try VirtualHost(name: "reviews", domains: [.exact("reviews")], routes: routes)
    return try RouteConfiguration(name: "outbound", virtualHosts: [host])
}

private func makeRequest(to number: Int = 1) throws -> RequestHead {
    var head = RequestHead()
    let target = "/service-\(number)/items/17?page=2"
    let end = requestText.index(after: requestText.firstIndex(of: "\r\n") ?? requestText.startIndex)
    try decodeRequest("GET \(target) HTTP/1.1\r\n" + requestText[end...], into: &head)
    return head
}

private func matchRoutes(of routeCount: Int, _ count: Int) throws -> UInt64 {
    let table = try RouteTable.compile(makeConfiguration(routeCount: routeCount), seed: 1).table
    let head = try makeRequest(to: routeCount)
    var sum: UInt64 = 0
    for _ in 0..<count where table.match(head) != nil { sum &+= 1 }
    return sum
}

private func pick(from weights: [UInt32], _ count: Int) throws -> UInt64 {
    let table = try RouteTable.compile(
        makeConfiguration(routeCount: 1, weights: weights), seed: 1
    ).table
    guard let route = table.match(try makeRequest()) else { return 0 }
    var sum: UInt64 = 0
    for _ in 0..<count {
        if let destination = table.destination(of: route) { sum &+= UInt64(destination.cluster) }
    }
    return sum
}

private func pickByCookie(_ count: Int) throws -> UInt64 {
    let table = try RouteTable.compile(
        makeConfiguration(routeCount: 1, cookie: "user"), seed: 1
    ).table
    let head = try makeRequest()
    guard let route = table.match(head) else { return 0 }
    var sum: UInt64 = 0
    for number in 0..<count {
        let key = table.stickyKey(
            of: route, head: head, source: Span(), freshID: UInt64(number))
        if let destination = table.destination(of: route, key: key) {
            sum &+= UInt64(destination.cluster)
        }
    }
    return sum
}

/// What a route without mutations and rewriting costs beside its match and its pick.
private func applyRules(_ count: Int) throws -> UInt64 {
    let table = try RouteTable.compile(makeConfiguration(routeCount: 1), seed: 1).table
    var head = try makeRequest()
    guard let route = table.match(head), let destination = table.destination(of: route) else {
        return 0
    }
    var buffer = Buffer()
    var sum: UInt64 = 0
    for _ in 0..<count {
        if case .forward(let rules) = table.action(of: route) { sum &+= rules.timeout }
        table.mutateRequest(&head.fields, of: route, destination: destination)
        _ = table.appendRewrittenPath(of: route, head: head, to: &buffer)
        _ = table.appendRewrittenAuthority(
            of: route, destination: destination, head: head, to: &buffer)
        table.mutateResponse(&head.fields, of: route, destination: destination)
        sum &+= UInt64(buffer.count)
    }
    return sum
}

/// Each push moves the weights of every route.
private func push(routeCount: Int, _ count: Int) throws -> UInt64 {
    let snapshots = try [5, 6].map { (weight: UInt32) in
        let configuration = try makeConfiguration(
            routeCount: routeCount, weights: [100 - weight, weight])
        let listener = try Listener(
            name: "outbound", host: "127.0.0.1", port: 15001, routes: .inline(configuration))
        return Snapshot(listeners: [listener.name: listener])
    }
    var state = RoutingState(seed: 1)
    var sum: UInt64 = 0
    for number in 0..<count {
        sum &+= UInt64(state.publish(snapshots[number % 2]).makeTables().count)
    }
    return sum
}

/// What a worker does between two turns when a push has arrived.
private func swapTables(_ count: Int) throws -> UInt64 {
    let tables = try (0..<2).map { number in
        try RouteTable.compile(makeConfiguration(routeCount: 100), seed: number).table
    }
    let slot = TableSlot(tables[0])
    var sum: UInt64 = 0
    for number in 0..<count {
        slot.table = tables[number % 2]
        sum &+= slot.table === tables[0] ? 1 : 0
    }
    return sum
}

private final class TableSlot {
    var table: RouteTable

    init(_ table: RouteTable) {
        self.table = table
    }
}
