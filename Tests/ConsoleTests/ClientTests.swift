import Console
import Kernel
import Testing

@Suite struct `The client of the API` {
    private func client(
        _ server: ScriptedServer, timeout: Duration = .seconds(5)
    ) -> HTTPClient {
        HTTPClient(address: server.address, token: "secret", timeout: timeout)
    }

    @Test func `sends a request whole and reads the answer whole`() throws {
        let server = try ScriptedServer([.init(200, #"{"revision":7}"#, tag: "\"r7\"")])
        let request = Request("PUT", "/v1/services/a", fields: [("if-match", "\"r6\"")], body: [:])
        let response = try client(server).send(request)
        #expect(response.status == 200)
        #expect(response.entityTag == "\"r7\"")
        #expect(JSONValue(json: response.body) == ["revision": 7])
        let expected = """
            PUT /v1/services/a HTTP/1.1\r
            host: \(server.address.authority)\r
            connection: close\r
            accept: application/json\r
            user-agent: pointsman\r
            authorization: Bearer secret\r
            if-match: "r6"\r
            content-type: application/json\r
            content-length: 2\r
            \r
            {}
            """
        #expect(server.requests == [expected])
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n[1]",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]",
    ])
    func `reads every framing`(answer: String) throws {
        let server = try ScriptedServer([.init(raw: answer)])
        let response = try client(server).send(Request("GET", "/"))
        #expect(JSONValue(json: response.body) == [1])
    }

    @Test(arguments: [
        "", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1",
        "HTTP/1.1 200 OK\r\n",
    ])
    func `says when what answers is no whole HTTP`(answer: String) throws {
        let server = try ScriptedServer([.init(raw: answer)])
        #expect(throws: ConsoleError.brokenAnswer(server.address.description)) {
            try client(server).send(Request("GET", "/"))
        }
    }

    @Test func `gives up when no answer comes`() throws {
        let server = try ScriptedServer([.silence])
        let name = server.address.description
        #expect(throws: ConsoleError.noAnswer(name, after: .milliseconds(50))) {
            try client(server, timeout: .milliseconds(50)).send(Request("GET", "/"))
        }
    }

    @Test func `says when nothing listens`() throws {
        let listener = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        let bound = listener.localAddress
        let port = try #require(bound).port
        _ = consume listener
        let address = ControlAddress(host: "127.0.0.1", port: port)
        #expect(throws: ConsoleError.cannotConnect(address.description, .connectionRefused)) {
            try HTTPClient(address: address, token: nil).send(Request("GET", "/"))
        }
    }
}
