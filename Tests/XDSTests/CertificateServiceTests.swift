import Testing
import XDS

@Suite struct `Certificate service` {
    @Test func `is asked as its proto says`() throws {
        let request = IssueRequest(signingRequest: "PEM", lifetime: 300)
        #expect(request.encoded == [0x0A, 3] + Array("PEM".utf8) + [0x10, 0xAC, 0x02])
        #expect(try IssueRequest(decoding: request.encoded) == request)
        #expect(try IssueRequest(decoding: []) == IssueRequest(signingRequest: ""))
    }

    @Test func `answers as its proto says`() throws {
        let response = IssueResponse(chain: ["a", "b"], roots: ["c"])
        #expect(response.encoded == [0x0A, 1, 97, 0x0A, 1, 98, 0x12, 1, 99])
        #expect(try IssueResponse(decoding: response.encoded) == response)
    }

    @Test(arguments: [[0x0A], [0x0A, 5, 1], [0xFF], [0x0A, 1, 0xFF]] as [[UInt8]])
    func `takes no message that is none`(bytes: [UInt8]) {
        #expect(throws: DiscoveryError.unreadableMessage) { try IssueRequest(decoding: bytes) }
        #expect(throws: DiscoveryError.unreadableMessage) { try IssueResponse(decoding: bytes) }
    }
}
