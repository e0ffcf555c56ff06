import Mesh
import Testing
import XDS

@Suite struct `A saved configuration` {
    private static func saved() throws -> SavedConfiguration {
        try Proxy.serving().state.saveable
    }

    @Test func `comes back as it was`() throws {
        let saved = try Self.saved()
        let (read, generation) = try SavedConfiguration.decoding(saved.encoded(generation: 7))
        #expect(read == saved)
        #expect(generation == 7)
        #expect(read.snapshot.versions.routes == "1")
        #expect(read.cluster == "c")
    }

    @Test func `has secrets, but none that the proxy has of its own`() throws {
        var proxy = try Proxy.serving()
        proxy.provide(try secret("own", "a"))
        try proxy.hear(
            .cluster, "2",
            [secured(cluster: "a", identity: "own"), secured(cluster: "b", identity: "its")])
        try proxy.hear(.endpointAssignment, "2", [assignment("b")])
        try proxy.hear(.secret, "7", [secret("its", "b").resource, roots("roots").resource])
        #expect(proxy.state.inEffect.secrets.keys.sorted() == ["its", "own", "roots"])
        let saved = proxy.state.saveable
        let (read, _) = try SavedConfiguration.decoding(saved.encoded(generation: 1))
        #expect(
            read.snapshot.secrets == ["its": try secret("its", "b"), "roots": try roots("roots")])
        #expect(read.snapshot.versions.secrets == "7")

        var later = try Proxy(saved: read)
        #expect(later.state.inEffect.clusters.keys.sorted() == ["b"])
        later.provide(try secret("own", "c"))
        #expect(later.state.inEffect.clusters.keys.sorted() == ["a", "b"])
        later.open()
        #expect(
            later.asked.contains {
                $0.typeURL == ResourceType.secret.typeURL && $0.version == "7"
                    && $0.resourceNames == ["its", "roots"]
            })
    }

    /// A file of the first form ends before the secrets.
    @Test func `is read as it was written before there were secrets`() throws {
        let saved = try Self.saved()
        let bytes = saved.encoded(generation: 7)
        let empty = DiscoveryResponse(type: .secret, version: "", nonce: "", resources: []).encoded
        var payload = Array(bytes.dropFirst(26).dropLast(8 + 8 + empty.count))
        let head = Array("pointsman".utf8) + [1] + bytes[10..<18] + littleEndian(payload.count)
        payload = head + payload
        let (read, generation) = try SavedConfiguration.decoding(
            payload + littleEndian(checksum(payload)))
        #expect(read == saved)
        #expect(generation == 7)
    }

    private func littleEndian(_ number: some BinaryInteger) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    /// FNV-1a.
    private func checksum(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    @Test func `is refused at every truncation`() throws {
        let bytes = try Self.saved().encoded(generation: 1)
        for count in bytes.indices {
            #expect(throws: SavedConfigurationError.self) {
                try SavedConfiguration.decoding(Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `is refused after any change of a bit`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(state: seed)
        let bytes = try Self.saved().encoded(generation: 1)
        for _ in 0..<10_000 {
            var damaged = bytes
            let index = Int.random(in: damaged.indices, using: &random)
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let isTaken = (try? SavedConfiguration.decoding(damaged)) != nil
            if isTaken { Issue.record("seed \(seed): byte \(index)") }
        }
    }

    @Test func `is refused when it is of zeros or of another version`() throws {
        #expect(throws: SavedConfigurationError.unknownFormat) {
            try SavedConfiguration.decoding([UInt8](repeating: 0, count: 1000))
        }
        var bytes = try Self.saved().encoded(generation: 1)
        bytes[9] = 3
        #expect(throws: SavedConfigurationError.unknownFormat) {
            try SavedConfiguration.decoding(bytes)
        }
    }
}

/// A small generator whose sequence a printed seed repeats (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
