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
        bytes[9] = 2
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
