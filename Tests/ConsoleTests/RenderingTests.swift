import Console
import Testing
import YAML

@Suite struct `Documents as text` {
    static let service: JSONValue = [
        "protocol": "http", "versions": ["v1": ["endpoints": ["127.0.0.1:9001"]]],
        "routes": [
            ["name": "default", "match": [:], "split": ["v1": 95.5, "v2": 5], "on": "yes"],
            "alone",
        ],
        "empty": [], "none": .null, "live": true,
    ]

    @Test func `are YAML in block style`() {
        let expected = """
            empty: []
            live: true
            none: null
            protocol: http
            routes:
            - match: {}
              name: default
              "on": "yes"
              split:
                v1: 95.5
                v2: 5
            - alone
            versions:
              v1:
                endpoints:
                - "127.0.0.1:9001"

            """
        #expect(YAMLText.render(Self.service) == expected)
    }

    @Test func `are JSON with names in order`() {
        let text = #"{"a":[1,2.5,"x/y",null,true],"b":{}}"#
        let value: JSONValue = ["b": [:], "a": [1, 2.5, "x/y", .null, true]]
        #expect(value.encoded(pretty: false) == text)
        #expect(JSONValue(json: Array(text.utf8)) == value)
        #expect(JSONValue(json: Array("{".utf8)) == nil)
        let pretty = """
            {
              "a": [
                1,
                2.5,
                "x/y",
                null,
                true
              ],
              "b": {}
            }
            """
        #expect(value.encoded(pretty: true) == pretty)
        #expect(JSONValue.array([]).encoded(pretty: true) == "[]")
    }

    @Test(arguments: ["on", "a: b", "\u{7F}\u{85}\u{2028}\u{1B}", "", "~", "-x", "1e5"])
    func `are YAML that reads back the same`(text: String) throws {
        let value: JSONValue = .array([.object([text: .string(text)])])
        let node = try Document(parsing: YAMLText.render(value)).root
        #expect(JSONValue(json: Array(node.json.utf8)) == value)
    }

    @Test(arguments: ["", "plain ü 😀", "\"\\/", "\u{0}\u{1F}\n\r\t\u{7F}"])
    func `are JSON strings that read back the same`(text: String) {
        let value = JSONValue.string(text)
        #expect(JSONValue(json: Array(value.encoded(pretty: false).utf8)) == value)
    }

    @Test func `show what a change makes different`() {
        let diff: JSONValue = [
            ["path": "services.reviews.routes.default.split.v1", "before": 100, "after": 95],
            ["path": "services.reviews.routes.default.split.v2", "after": 5],
            ["path": "services.reviews.sticky", "before": "cookie user"],
        ]
        let expected = """
              ~ routes.default.split.v1: 100 → 95
              + routes.default.split.v2: 5
              - sticky: cookie user

            """
        let difference = Difference(diff, without: "services.reviews.")
        #expect(
            difference.render(indentation: 2, palette: Palette(isColoured: false)) == expected)
        #expect(Difference(nil).isEmpty)
    }
}

@Suite struct `Shares for people` {
    @Test(
        arguments: [
            ([95, 5], [950_000, 50_000]), ([0, 0], [0, 0]), ([1e308, 1e308], [0, 0]),
            ([2e300, -1e300, 0], [0, 0, 0]), ([.infinity, 1], [0, 0]),
        ] as [([Double], [Int64])])
    func `are of weights that can be split by`(weights: [Double], parts: [Int64]) {
        #expect(Share.partsPerMillion(weights) == parts)
    }
}

@Suite struct `Tables for people` {
    private func table() -> TextTable {
        var table = TextTable(columns: [
            .init("NAME"), .init("SHARE", isRightAligned: true), .init("NODE", isWideOnly: true),
            .init("STATE"),
        ])
        table.append(["reviews", "5%", "a-1", TextTable.Cell("live", .good)])
        table.append(["é", "100%", "", TextTable.Cell("lagging", .caution)])
        return table
    }

    @Test func `have columns as wide as they must be`() {
        let expected = """
            NAME      SHARE   STATE
            reviews      5%   live
            é          100%   lagging

            """
        let palette = Palette(isColoured: false)
        #expect(table().render(isWide: false, palette: palette) == expected)
    }

    @Test func `do not let their contents move the cursor`() {
        var table = TextTable(columns: [.init("WHY")])
        table.append([TextTable.Cell("a\u{1B}[2Jb\nc\u{9B}d\u{202E}e 😀 é")])
        #expect(
            table.render(isWide: false, palette: Palette(isColoured: false))
                == "WHY\na\u{FFFD}[2Jb c\u{FFFD}d\u{FFFD}e 😀 é\n")
    }

    @Test func `show more when wide`() {
        let expected = """
            NAME      SHARE   NODE   STATE
            reviews      5%   a-1    live
            é          100%          lagging

            """
        let palette = Palette(isColoured: false)
        #expect(table().render(isWide: true, palette: palette) == expected)
    }

    @Test func `keep their columns when coloured`() {
        let text = table().render(isWide: false, palette: Palette(isColoured: true))
        #expect(text.contains("reviews      5%   \u{1B}[32mlive\u{1B}[0m\n"))
    }

    @Test(arguments: [
        (true, [:], true), (false, [:], false), (true, ["NO_COLOR": "1"], false),
        (true, ["NO_COLOR": ""], true), (true, ["TERM": "dumb"], false),
    ])
    func `are coloured only where somebody wants that`(
        isTerminal: Bool, environment: [String: String], isColoured: Bool
    ) {
        let palette = Palette(isTerminal: isTerminal, environment: environment)
        #expect(palette.isColoured == isColoured)
    }
}
