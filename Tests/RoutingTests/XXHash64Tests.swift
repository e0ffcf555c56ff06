import Routing
import Testing

@Suite struct `xxHash64 of bytes` {
    @Test(
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B),
            ("abc", 0x44BC_2CF5_AD77_0999), ("foo", 3_728_699_739_546_630_719),
            ("bar", 5_234_164_152_756_840_025),
        ] as [(String, UInt64)])
    func `is what other programs say`(text: String, hash: UInt64) {
        let bytes = Array(text.utf8)
        #expect(xxHash64(bytes.span) == hash)
    }

    /// The self-test of the xxHash project: lengths that reach every branch, with and without seed.
    @Test(
        arguments: [
            (0, 0, 0xEF46_DB37_51D8_E999), (0, 2_654_435_761, 0xAC75_FDA2_929B_17EF),
            (1, 0, 0xE934_A84A_DB05_2768), (1, 2_654_435_761, 0x5014_6076_43A9_B4C3),
            (4, 0, 0x9136_A0DC_A574_57EE), (14, 0, 0x8282_DCC4_994E_35C8),
            (14, 2_654_435_761, 0xC3BD_6BF6_3DEB_6DF0), (222, 0, 0xB641_AE8C_B691_C174),
            (222, 2_654_435_761, 0x20CB_8AB7_AE10_C14A),
        ] as [(Int, UInt64, UInt64)])
    func `passes the project's self-test`(count: Int, seed: UInt64, hash: UInt64) {
        var generator: UInt64 = 2_654_435_761
        let bytes = (0..<count).map { _ in
            defer { generator &*= 11_400_714_785_074_694_797 }
            return UInt8(generator >> 56)
        }
        #expect(xxHash64(bytes.span, seed: seed) == hash)
    }
}
