import Mesh
import Testing

@Suite struct `Weights and splits` {
    @Test(arguments: [
        "", ".", "5.", ".5", "-1", "+1", "1e3", "0x5", " 5", "5 ", "1,5", "1.2.3", "NaN", "٣",
        "1000000000000", "0.0000000000000000001",
    ])
    func `a weight is a plain decimal in its bounds`(text: String) {
        #expect(throws: MeshError.self) { try Weight(parsing: text) }
    }

    @Test(arguments: [
        ("0", "0.000"), ("5", "005"), ("0.5", "0.500"), ("999999999999", "0999999999999.0"),
        ("33.333333333333336", "33.333333333333336000"),
    ])
    func `equal decimals are equal weights`(one: String, other: String) throws {
        #expect(try Weight(parsing: one) == Weight(parsing: other))
    }

    @Test(arguments: [
        (["a": "95", "b": "5"], [950_000, 50_000]),
        (["a": "1", "b": "1", "c": "1"], [333_334, 333_333, 333_333]),
        (["a": "0.1", "b": "0.2"], [333_333, 666_667]),
        (["a": "0", "b": "0.000001"], [0, 1_000_000]),
        (["a": "99.9999", "b": "0.0001"], [999_999, 1]),
        (["a": "999999999999", "b": "1000000"], [999_999, 1]),
        (["a": "2", "b": "2", "c": "3"], [285_714, 285_714, 428_572]),
    ])
    func `are parts per million by largest remainder`(
        texts: [String: String], parts: [UInt32]
    ) throws {
        let split = try Split(texts.mapValues { try Weight(parsing: $0) }, of: Set(texts.keys))
        #expect(split.shares.map(\.version) == texts.keys.sorted())
        #expect(split.shares.map(\.partsPerMillion) == parts)
    }

    @Test func `always sum to a million, and scaling changes nothing`() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var generator = SeededGenerator(state: seed)
        for _ in 0..<2_000 {
            let count = Int.random(in: 1...32, using: &generator)
            var texts: [String: (Int, Int)] = [:]
            for index in 0..<count {
                texts["v\(index)"] = (
                    Int.random(in: 1...9_999, using: &generator),
                    Int.random(in: 0...999_999, using: &generator)
                )
            }
            let versions = Set(texts.keys)
            let split = try Split(
                texts.mapValues { try Weight(parsing: "\($0.0).\($0.1)") }, of: versions)
            #expect(split.shares.reduce(0) { $0 + $1.partsPerMillion } == Split.whole, "\(seed)")

            let again = try Split(
                split.shares.reduce(into: [:]) { $0[$1.version] = Weight($1.partsPerMillion) },
                of: versions)
            #expect(again == split, "\(seed)")
        }
    }

    @Test func `name every version of the service`() throws {
        let split = try Split(["v1": Weight(1)], of: ["v1", "v2"])
        #expect(split.shares.map(\.partsPerMillion) == [1_000_000, 0])
    }

    @Test(arguments: [
        (["v1": "0", "v2": "0"], ""), ([:], ""), (["v3": "1"], "v3"),
        (["v1": "1000000", "v2": "0.1"], "v2"),
    ])
    func `refuse what cannot be kept`(texts: [String: String], path: String) throws {
        let weights = try texts.mapValues { try Weight(parsing: $0) }
        let error = #expect(throws: MeshError.self) { try Split(weights, of: ["v1", "v2"]) }
        #expect(error?.path == path)
    }
}

/// Numbers that a seed decides (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
