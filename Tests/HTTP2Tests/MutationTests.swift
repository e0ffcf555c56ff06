import Bytes
import HTTP2
import Testing

/// xorshift64*: repeatable, and good enough to break things.
private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 2_685_821_657_736_338_717
    }
}

@Suite struct `Damaged HTTP/2` {
    /// A recorded exchange, as each end would receive it.
    private func record() throws -> (toServer: [UInt8], toClient: [UInt8]) {
        let pair = Pair()
        for number in 0..<5 {
            let stream = try pair.client.session.submitRequest(
                makeRequest("POST", path: "/\(number)", fields: [("a", "b"), ("cookie", "c=d")]),
                endsStream: false)
            try pair.client.session.send([UInt8](repeating: 1, count: 300).span, on: stream)
            try pair.client.session.end(stream, trailers: makeFields([("t", "u")]))
            try pair.settle()
            let request = pair.server.streams[number]
            try pair.server.session.submitResponse(
                makeResponse(200, fields: [("e", "f")]), on: request, endsStream: false)
            try pair.server.session.send([UInt8](repeating: 2, count: 300).span, on: request)
            try pair.server.session.end(request, trailers: makeFields([("v", "w")]))
            try pair.settle()
        }
        return (pair.server.transcript, pair.client.transcript)
    }

    @Test func `never traps, whatever the bytes and wherever they are cut`() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var random = Random(state: seed)
        let (toServer, toClient) = try record()
        #expect(toServer.count > 1000)
        #expect(toClient.count > 1000)
        for round in 0..<400 {
            let role: Session.Role = round.isMultiple(of: 2) ? .server : .client
            var bytes = role == .server ? toServer : toClient
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let first = role == .server ? 24 : 0
                let position = Int.random(in: first..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.removeSubrange(position..<min(position + 9, bytes.count))
                default: bytes.insert(contentsOf: bytes.suffix(20), at: position)
                }
                if bytes.count < 100 { break }
            }
            let peer = Peer(role)
            if role == .client {
                for _ in 0..<5 {
                    _ = try peer.session.submitRequest(makeRequest(), endsStream: false)
                }
                try peer.flush()
            }
            let segment = Int.random(in: 1...200, using: &random)
            feed(bytes, to: peer, segment: segment)
            peer.session.abandon(.cancel)
            peer.drainWithoutInput()
            #expect(peer.session.openStreamCount == 0, "seed \(seed), round \(round)")
        }
    }

    private func feed(_ bytes: [UInt8], to peer: Peer, segment: Int) {
        var offset = 0
        do throws(SessionError) {
            while offset < bytes.count {
                let end = min(offset + segment, bytes.count)
                try peer.receive(bytes.span.extracting(offset..<end))
                offset = end
            }
        } catch {
            peer.drainWithoutInput()
        }
    }
}
