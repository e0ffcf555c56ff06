import Mesh
import Testing

@Suite struct `A connection finds its filter chain` {
    private func chain(
        _ names: [String] = [], _ protocols: [String] = [],
        _ transport: FilterChain.Match.Transport? = nil
    ) throws -> FilterChain {
        try FilterChain(
            match: FilterChain.Match(
                serverNames: names, applicationProtocols: protocols, transport: transport))
    }

    @Test(arguments: [
        ("a.mesh", 0), ("b.mesh", 1), ("x.a.mesh", 1), ("x.y.mesh", 1), ("mesh", 3),
        ("x.deep.mesh", 2), ("other", 3), (nil, 3),
    ])
    func `by the name that says most`(name: String?, position: Int) throws {
        let chains = [
            try chain(["A.mesh"]), try chain(["*.mesh"]), try chain(["*.deep.mesh"]), try chain(),
        ]
        let found = chains.position(serverName: name, isTLS: true, applicationProtocols: [])
        #expect(found == position)
    }

    @Test func `by its transport and then its protocols`() throws {
        let chains = [
            try chain([], [], .tls), try chain([], ["h2"], .tls), try chain([], [], .plain),
        ]
        func position(_ isTLS: Bool, _ protocols: [String]) -> Int? {
            chains.position(serverName: nil, isTLS: isTLS, applicationProtocols: protocols)
        }
        #expect(position(true, []) == 0)
        #expect(position(true, ["http/1.1", "h2"]) == 1)
        #expect(position(true, ["http/1.1"]) == 0)
        #expect(position(false, []) == 2)
    }

    @Test func `or none`() throws {
        let chains = [try chain(["a.mesh"]), try chain([], [], .plain)]
        let found = chains.position(serverName: "b.mesh", isTLS: true, applicationProtocols: [])
        #expect(found == nil)
        let plain = [FilterChain].plain
        #expect(plain.position(serverName: nil, isTLS: false, applicationProtocols: []) == 0)
    }
}
