import Glibc
import Kernel

/// Answers requests with their own id, or in one of many wrong ways.
struct FaultyServer {
    let peer: Peer
    let record: Record
    var random: SplitMix

    /// What a complete answer to a request must look like, told in fields of its own.
    private struct Answer {
        var head: String
        var body: [UInt8]
        var isChunked = false
        var isUntilClose = false
    }

    mutating func run() {
        if random.oneIn(40) { return end() }
        while true {
            if random.oneIn(30) { return answerEarly() }
            let request = peer.readMessage()
            record.arrived(request)
            if !request.isComplete { return }
            if random.oneIn(20) { return end() }
            if random.oneIn(20) { Peer.stall(milliseconds: random.below(100)) }
            if random.oneIn(30) {
                peer.send("garbage\r\n\r\n")
                return end()
            }
            if random.oneIn(15) { peer.send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n") }
            if !send(answer(to: request), to: request) { return end() }
            if random.oneIn(15) { return end() }
        }
    }

    /// Ends the connection in one way or another.
    private mutating func end() {
        if random.oneIn(2) { peer.resetAtEnd() }
    }

    /// Answers before the request is there, and then reads it or does not.
    private mutating func answerEarly() {
        peer.send("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
        if random.oneIn(2) { record.arrived(peer.readMessage()) }
        end()
    }

    private mutating func answer(to request: Peer.Message) -> Answer {
        let size = random.oneIn(10) ? random.below(1 << 20) : random.below(4000)
        let id = request.value(of: "x-id") ?? ""
        let status = random.oneIn(12) ? "503 Service Unavailable" : "200 OK"
        var answer = Answer(
            head: "HTTP/1.1 \(status)\r\nx-id: \(id)\r\nx-size: \(size)\r\n"
                + "x-received: \(request.body.count)\r\n",
            body: [UInt8](repeating: UInt8(ascii: "b"), count: size))
        switch random.below(8) {
        case 0:
            answer.isUntilClose = true
            answer.head += "\r\n"
        case 1...3:
            answer.isChunked = true
            answer.head += "transfer-encoding: chunked\r\n\r\n"
        default: answer.head += "content-length: \(size)\r\n\r\n"
        }
        return answer
    }

    /// Sends the answer, whole or up to somewhere.
    ///
    /// - Returns: Whether the connection may go on.
    private mutating func send(_ answer: Answer, to request: Peer.Message) -> Bool {
        var bytes = Array(answer.head.utf8)
        if !request.head.hasPrefix("HEAD ") {
            if answer.isChunked {
                appendChunks(of: answer.body, to: &bytes)
            } else {
                bytes += answer.body
            }
        }
        if random.oneIn(8) {
            let cut = Array(bytes.prefix(random.below(bytes.count)))
            peer.send(cut)
            // The end of the connection is the end of such a body: only a reset tells a cut one.
            if answer.isUntilClose { peer.resetAtEnd() }
            return false
        }
        if random.oneIn(4) {
            let middle = random.below(bytes.count)
            peer.send(Array(bytes[..<middle]))
            Peer.stall(milliseconds: random.below(4))
            peer.send(Array(bytes[middle...]))
        } else {
            peer.send(bytes)
        }
        if answer.isUntilClose {
            peer.finishWriting()
            _ = peer.readToEnd()
            return false
        }
        if random.oneIn(30) {
            // Nobody asked for this one.
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            return false
        }
        return true
    }

    private mutating func appendChunks(of body: [UInt8], to bytes: inout [UInt8]) {
        var rest = body[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(1 + random.below(30_000))
            rest = rest.dropFirst(chunk.count)
            bytes += Array((String(chunk.count, radix: 16) + "\r\n").utf8) + chunk + [13, 10]
        }
        bytes += Array("0\r\nx-trailer: yes\r\n\r\n".utf8)
    }
}

/// Sends requests, whole or up to somewhere, reads answers or does not, and judges them.
struct FaultyClient {
    let address: SocketAddress
    let record: Record
    let name: Int
    var random: SplitMix
    private var count = 0

    private struct Request {
        let id: String
        let isHead: Bool
        let bodyCount: Int
        let bytes: [UInt8]
    }

    init(address: SocketAddress, record: Record, name: Int, random: SplitMix) {
        self.address = address
        self.record = record
        self.name = name
        self.random = random
    }

    /// One connection with some requests, one after the other or pipelined.
    mutating func runConnection() {
        guard let peer = try? Peer(to: address) else { return record.add("no connection") }
        peer.setTimeout(.seconds(5))
        let requests = (0...random.below(5)).map { _ in makeRequest() }
        let isPipelined = random.oneIn(3)
        if isPipelined {
            if !send(Array(requests.map(\.bytes).joined()), to: peer) { return end(peer) }
            if random.oneIn(4) { peer.finishWriting() }
        }
        for request in requests {
            if !isPipelined, !send(request.bytes, to: peer) { return end(peer) }
            if random.oneIn(20) {
                peer.setTimeout(.milliseconds(5))
                _ = peer.skip(random.below(5000))
                return end(peer)
            }
            if !readAnswer(to: request, from: peer) { return end(peer) }
        }
        end(peer)
    }

    private mutating func end(_ peer: Peer) {
        if random.oneIn(2) { peer.resetAtEnd() }
    }

    private mutating func makeRequest() -> Request {
        count += 1
        let id = "\(name)-\(count)"
        let path = ["/", "/", "/retry", "/d", "/direct"][random.below(5)]
        // What a retry policy repeats may come twice.
        let methods = path == "/retry" ? ["GET", "PUT"] : ["GET", "GET", "HEAD", "PUT", "POST"]
        let method = methods[random.below(methods.count)]
        var head = "\(method) \(path) HTTP/1.1\r\nhost: a\r\nx-id: \(id)\r\n"
        var body: [UInt8] = []
        var size = 0
        if method == "PUT" || method == "POST" {
            size = random.oneIn(8) ? random.below(300_000) : random.below(3000)
            let data = [UInt8](repeating: UInt8(ascii: "r"), count: size)
            if random.oneIn(2) {
                head += "content-length: \(size)\r\n"
                body = data
            } else {
                head += "transfer-encoding: chunked\r\n"
                if size > 0 {
                    body += Array((String(size, radix: 16) + "\r\n").utf8) + data + [13, 10]
                }
                body += Array("0\r\n\r\n".utf8)
            }
        }
        return Request(
            id: id, isHead: method == "HEAD", bodyCount: size,
            bytes: Array((head + "\r\n").utf8) + body)
    }

    /// - Returns: Whether all was sent.
    private mutating func send(_ bytes: [UInt8], to peer: Peer) -> Bool {
        if random.oneIn(12) {
            peer.send(Array(bytes.prefix(random.below(bytes.count))))
            if random.oneIn(2) {
                peer.finishWriting()
                _ = peer.readToEnd()
            }
            return false
        }
        if random.oneIn(4) {
            let middle = random.below(bytes.count)
            peer.send(Array(bytes[..<middle]))
            Peer.stall(milliseconds: random.below(3))
            peer.send(Array(bytes[middle...]))
        } else {
            peer.send(bytes)
        }
        return true
    }

    /// - Returns: Whether another answer may follow.
    private mutating func readAnswer(to request: Request, from peer: Peer) -> Bool {
        var answer = peer.readMessage(hasBody: !request.isHead)
        while answer.status / 100 == 1 { answer = peer.readMessage(hasBody: !request.isHead) }
        if answer.end == .silent {
            record.add("\(request.id) was left without an answer")
            return false
        }
        if !answer.isComplete {
            record.broken()
            return false
        }
        record.answered()
        judge(answer, to: request)
        return answer.value(of: "connection") != "close"
    }

    private func judge(_ answer: Peer.Message, to request: Request) {
        guard let id = answer.value(of: "x-id") else {
            // The proxy's own, or one that a server gave before it had read the request.
            if ![200, 404, 408, 429, 502, 503, 504].contains(answer.status) {
                record.add("\(request.id) was answered \(answer.status)")
            }
            return
        }
        if id != request.id { record.add("\(request.id) got the answer to \(id)") }
        if answer.value(of: "x-received") != String(request.bodyCount) {
            record.add("the server took another body than that of \(request.id)")
        }
        if !request.isHead, answer.value(of: "x-size") != String(answer.body.count) {
            record.add("the answer to \(request.id) is not whole but looks so")
        }
    }
}
