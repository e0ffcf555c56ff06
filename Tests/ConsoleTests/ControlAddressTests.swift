import Console
import Testing

@Suite struct `The control plane's address` {
    @Test(arguments: [
        ("http://127.0.0.1:7400", "http://127.0.0.1:7400"),
        ("http://127.0.0.1:7400/", "http://127.0.0.1:7400"),
        ("HTTP://control", "http://control:7400"), ("control:80", "http://control:80"),
        ("http://[::1]:80", "http://[::1]:80"), ("[::1]", "http://[::1]:7400"),
    ])
    func `is a URL, or host and port`(text: String, description: String) throws {
        #expect(try ControlAddress(parsing: text).description == description)
    }

    @Test(arguments: [
        "", "http://", "http://a:0", "http://a:65536", "http://a:x", "http://a/b", "a b",
        "http://a\r\nx:80",
    ])
    func `is nothing else`(text: String) {
        #expect(
            throws: ConsoleError.argument(
                name: "--control", value: text, expected: "http://HOST:PORT")
        ) { try ControlAddress(parsing: text) }
    }

    @Test func `has no other scheme than http`() {
        #expect(throws: ConsoleError.unsupportedScheme(url: "https://a:1")) {
            try ControlAddress(parsing: "https://a:1")
        }
    }
}
