import Console
import Testing

@Suite struct `A split on the command line` {
    @Test(arguments: [
        (["v1=95", "v2=5"], #"{"weights":{"v1":95,"v2":5}}"#),
        (["v1=95%", "v2=5%"], #"{"weights":{"v1":95,"v2":5}}"#),
        (["v1=0.5", "v2=99.5"], #"{"weights":{"v1":0.5,"v2":99.5}}"#),
        (["v2=1"], #"{"weights":{"v2":1}}"#),
        (["v1=0", "v2=3"], #"{"weights":{"v1":0,"v2":3}}"#),
        (["a=b=1"], #"{"weights":{"a=b":1}}"#),
    ])
    func `is version and weight with an equals sign`(arguments: [String], body: String) throws {
        #expect(try SplitArgument(parsing: arguments).requestBody.encoded(pretty: false) == body)
    }

    @Test(arguments: [
        ([], ConsoleError.WeightFault.none),
        (["v1"], .malformed(argument: "v1")),
        (["=5"], .malformed(argument: "=5")),
        (["v1="], .malformed(argument: "v1=")),
        (["v1=%"], .malformed(argument: "v1=%")),
        (["v1=x"], .malformed(argument: "v1=x")),
        (["v1=1e3"], .malformed(argument: "v1=1e3")),
        (["v1=inf"], .malformed(argument: "v1=inf")),
        (["v1=nan"], .malformed(argument: "v1=nan")),
        (["v1=1.2.3"], .malformed(argument: "v1=1.2.3")),
        (["v1= 5"], .malformed(argument: "v1= 5")),
        (["v1=-5"], .negative(argument: "v1=-5")),
        (["v1=5", "v1=6"], .repeated(version: "v1")),
        (["v1=0", "v2=0.0"], .allZero),
        ((0...256).map { "v\($0)=1" }, .tooMany(limit: 256)),
    ])
    func `is refused with what is wrong with it`(
        arguments: [String], fault: ConsoleError.WeightFault
    ) {
        #expect(throws: ConsoleError.weights(fault)) { try SplitArgument(parsing: arguments) }
    }

    @Test(arguments: [
        (1_000_000, "100%"), (50_000, "5%"), (1_000, "0.1%"), (1, "0.0001%"),
        (333_333, "33.3333%"), (0, "0%"), (12_340, "1.234%"),
    ])
    func `shows parts per million as percent`(partsPerMillion: Int64, text: String) {
        #expect(Share.text(partsPerMillion: partsPerMillion) == text)
    }

    @Test func `has shares of the sum of its weights`() {
        #expect(Share.partsPerMillion([95, 5]) == [950_000, 50_000])
        #expect(Share.partsPerMillion([1, 1, 1]) == [333_333, 333_333, 333_333])
        #expect(Share.partsPerMillion([0, 0]) == [0, 0])
    }
}

@Suite struct `A length of time` {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("30", .seconds(30)),
        ("2m", .seconds(120)), ("1h", .seconds(3600)), ("0.5s", .milliseconds(500)),
        ("0", .zero),
    ])
    func `is a number and a unit`(text: String, duration: Duration) {
        #expect(Duration(typed: text) == duration)
    }

    @Test(arguments: ["", "s", "-1s", "5d", "1 s", "1e3", "25h", "five"])
    func `is nothing else`(text: String) {
        #expect(Duration(typed: text) == nil)
    }

    @Test(arguments: [
        (Duration.milliseconds(12), "12 ms"), (.milliseconds(1450), "1.4 s"),
        (.seconds(30), "30 s"), (.seconds(180), "3 min"), (.seconds(7200), "2 h"),
        (.seconds(180_000), "2 d"),
    ])
    func `is shown in the unit that fits`(duration: Duration, text: String) {
        #expect(duration.shortText == text)
    }
}
