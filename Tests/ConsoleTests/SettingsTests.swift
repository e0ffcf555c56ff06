import Console
import Testing

@Suite struct `Settings of the command line` {
    private func settings(
        control: String? = nil, token: String? = nil, tokenFile: String? = nil,
        user: String? = nil, _ environment: [String: String] = [:]
    ) throws(ConsoleError) -> Settings {
        try Settings(
            control: control, token: token, tokenFile: tokenFile, user: user,
            environment: environment)
    }

    @Test func `come from the command line, then from the environment`() throws {
        let environment = [
            "POINTSMAN_API": "http://a:1", "POINTSMAN_TOKEN": " from-environment\n", "USER": "ada",
        ]
        let fromEnvironment = try settings(environment)
        #expect(fromEnvironment.address.description == "http://a:1")
        #expect(fromEnvironment.token == "from-environment")
        #expect(fromEnvironment.user == "ada")
        let given = try settings(
            control: "http://b:2", token: "given", user: "bob", environment)
        #expect(given.address.description == "http://b:2")
        #expect(given.token == "given")
        #expect(given.user == "bob")
    }

    @Test func `default to this machine without a token`() throws {
        let settings = try settings(["POINTSMAN_API": "", "POINTSMAN_TOKEN": "", "USER": ""])
        #expect(settings.address == .standard)
        #expect(settings.token == nil)
        #expect(settings.user == nil)
    }

    @Test(arguments: ["", " ", "two words", "line\r\nbreak", "ümlaut"])
    func `take no token that would not fit into a field`(token: String) {
        let error = #expect(throws: ConsoleError.self) { try settings(token: token) }
        #expect(error?.exitStatus == .usage)
        #expect(error?.message.contains("line") != true)
    }
}
