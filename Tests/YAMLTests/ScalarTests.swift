import Testing
import YAML

@Suite struct `A scalar` {
    @Test(arguments: [
        ("", Scalar.Value.null), ("~", .null), ("Null", .null), ("nULL", .string("nULL")),
        ("true", .bool(true)), ("FALSE", .bool(false)), ("yes", .string("yes")),
        ("off", .string("off")), ("0", .integer(0)), ("-12", .integer(-12)),
        ("+12", .integer(12)), ("007", .integer(7)), ("0o17", .integer(15)),
        ("0x1F", .integer(31)), ("0x", .string("0x")), ("0x-1", .string("0x-1")),
        ("1_000", .string("1_000")), ("9223372036854775807", .integer(.max)),
        ("9223372036854775808", .number(9_223_372_036_854_775_808)),
        (".5", .number(0.5)), ("5.", .number(5)), ("1e3", .number(1000)),
        ("-1.5E-2", .number(-0.015)), (".", .string(".")), ("1e", .string("1e")),
        ("+", .string("+")), ("0.25s", .string("0.25s")), ("-.inf", .number(-.infinity)),
        ("nan", .string("nan")), ("infinity", .string("infinity")), ("0x1p3", .string("0x1p3")),
        ("127.0.0.1", .string("127.0.0.1")),
    ])
    func `without quotes means what the core schema says`(text: String, value: Scalar.Value) {
        #expect(Scalar(text: text, isPlain: true).value == value)
        #expect(Scalar(text: text, isPlain: false).value == .string(text))
    }
}
