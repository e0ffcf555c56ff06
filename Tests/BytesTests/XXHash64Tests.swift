import Bytes
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

@Suite struct `xxHash64 of names of endpoints` {
    @Test(arguments: [
        ("", UInt64(0xEF46_DB37_51D8_E999)),
        ("a", 0xD24E_C4F1_A98C_6E5B),
        ("abc", 0x44BC_2CF5_AD77_0999),
        ("1234567", 0xD3A4_6E91_0828_9359),
        ("12345678", 0xD2D0_2F08_CF7C_FD4A),
        ("127.0.0.1:80_0", 0x4BB2_F57C_DA42_C065),
        ("[::1]:8080_17", 0xD4D4_851B_6983_368B),
        ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0xE2DF_261F_C2EC_30EB),
        ("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 0x1908_1922_CA0A_F6CC),
    ])
    func `agrees with the reference`(text: String, hash: UInt64) {
        #expect(xxHash64(Array(text.utf8).span) == hash)
    }
}
