import TLS
import Testing

@Suite struct `The first message of a client` {
    private func message(serverName: String?, protocols: [String]) throws -> [UInt8] {
        var settings = Settings()
        settings.trustedAuthorities = Mint("root").authorities
        settings.applicationProtocols = protocols
        let context = try Context(settings, role: .client)
        let wire = try Wire()
        var session = try Session(context, on: wire, serverName: serverName)
        _ = try session.handshake(Span())
        let output = wire.output
        return output.indices.map { output[$0] }
    }

    @Test(
        arguments: [
            (nil, []), ("reviews.mesh", []), ("Reviews.MESH", ["h2", "http/1.1"]), (nil, ["h2"]),
        ] as [(String?, [String])])
    func `tells the name and the protocols`(name: String?, protocols: [String]) throws {
        let bytes = try message(serverName: name, protocols: protocols)
        let hello = ClientHello(serverName: name?.lowercased(), applicationProtocols: protocols)
        #expect(ClientHello.read(bytes.span) == .hello(hello))
        // Whatever of it is there, nothing is said too early.
        for count in 0..<bytes.count {
            #expect(ClientHello.read(bytes.span.extracting(..<count)) == .needsMore)
        }
    }

    @Test func `may be cut into records of any length`() throws {
        let bytes = try message(serverName: "reviews.mesh", protocols: ["h2"])
        for size in [1, 7, 100] {
            var cut: [UInt8] = []
            var rest = bytes.dropFirst(5)
            while !rest.isEmpty {
                let part = rest.prefix(size)
                cut += [22, 3, 1, 0, UInt8(part.count)] + part
                rest = rest.dropFirst(size)
            }
            let hello = ClientHello(serverName: "reviews.mesh", applicationProtocols: ["h2"])
            #expect(ClientHello.read(cut.span) == .hello(hello))
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "SSH-2.0-x\r\n", "\u{16}\u{2}\u{0}",
    ])
    func `is not what another protocol begins with`(text: String) {
        #expect(ClientHello.read(Array(text.utf8).span) == .notTLS)
    }

    @Test func `tells nothing when it is damaged, and never traps`() throws {
        let bytes = try message(serverName: "reviews.mesh", protocols: ["h2"])
        let seed = UInt64.random(in: 0 ... .max)
        var random = Numbers(state: seed)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = damaged.indices.randomElement(using: &random) ?? 0
                damaged[index] = UInt8.random(in: 0...255, using: &random)
            }
            _ = ClientHello.read(damaged.span)
        }
        // A length beyond what is taken ends the wait.
        #expect(ClientHello.read([22, 3, 1, 0xFF, 0xFF].span) == .hello(ClientHello()), "\(seed)")
        #expect(ClientHello.read([22, 3, 1, 0, 4, 2].span) == .hello(ClientHello()))
    }
}

private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
