import Glibc
import Kernel

/// One end of a connection, for one thread; calls wait, ten seconds at most.
final class Peer: @unchecked Sendable {
    let descriptor: CInt
    private var received: [UInt8] = []
    /// How much of `received` has been read.
    private var start = 0

    /// How long it rests before each receive.
    var pauseMilliseconds = 0

    private var waitingCount: Int { received.count - start }

    init(owning descriptor: CInt) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        var isOn: CInt = 1
        unsafe setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<CInt>.size))
        setTimeout(.seconds(10))
    }

    convenience init(to address: SocketAddress) throws {
        self.init(owning: try Socket.connecting(to: address).release())
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    func setTimeout(_ duration: Duration) {
        let nanoseconds = Int(duration.wholeNanoseconds)
        var time = timeval(
            tv_sec: nanoseconds / 1_000_000_000, tv_usec: nanoseconds % 1_000_000_000 / 1000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }

    /// Sends all of `bytes`, unless the other end stops it.
    ///
    /// - Returns: How many bytes went.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            sent += count
        }
        return sent
    }

    @discardableResult
    func send(_ text: String) -> Int {
        send(Array(text.utf8))
    }

    /// Does nothing for a while, as a slow program would; no test waits for something so.
    static func stall(milliseconds: Int) {
        _ = poll(nil, 0, CInt(milliseconds))
    }

    func finishWriting() {
        _ = shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Ends both directions; the descriptor stays until the object goes away.
    func end() {
        _ = shutdown(descriptor, CInt(SHUT_RDWR))
    }

    /// Makes the connection end with a reset when the object goes away.
    func resetAtEnd() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Why nothing more comes.
    enum End: Equatable {
        case closed
        case reset
        case silent
    }

    /// Waits for more bytes; `nil` when some came.
    private func fill() -> End? {
        if start == received.count { forget() }
        if pauseMilliseconds > 0 { Peer.stall(milliseconds: pauseMilliseconds) }
        var room = [UInt8](repeating: 0, count: 64 * 1024)
        let count = unsafe recv(descriptor, &room, room.count, 0)
        if count > 0 {
            received += room[..<count]
            return nil
        }
        if count == 0 { return .closed }
        return errno == EAGAIN ? .silent : .reset
    }

    private func forget() {
        received.removeAll(keepingCapacity: true)
        start = 0
    }

    /// Waits for more bytes; `nil` when nothing more comes.
    func receiveSome() -> [UInt8]? {
        if fill() != nil { return nil }
        defer { forget() }
        return Array(received[start...])
    }

    /// Reads until nothing more comes.
    func readToEnd() -> (bytes: [UInt8], end: End) {
        while true {
            if let end = fill() {
                defer { forget() }
                return (Array(received[start...]), end)
            }
        }
    }

    /// Reads `count` bytes and forgets them.
    func skip(_ count: Int) -> End? {
        while waitingCount < count {
            if let end = fill() { return end }
        }
        start += count
        return nil
    }

    struct Message {
        var head = ""
        var body: [UInt8] = []
        /// How the connection ended before the message was complete; `nil` when it was complete.
        var end: End?

        var status: Int { Int(head.dropFirst(9).prefix(3)) ?? 0 }
        var text: String { String(decoding: body, as: UTF8.self) }
        /// Complete by its framing, or, where only the end of the connection tells, ended cleanly.
        var isComplete = false

        func value(of name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name {
                    return String(parts[1].drop { $0 == " " })
                }
            }
            return nil
        }
    }

    /// Reads one message.
    ///
    /// - Parameter hasBody: Whether a body may follow; not in a response to HEAD.
    /// - Returns: What came of it.
    func readMessage(hasBody: Bool = true) -> Message {
        var message = Message()
        while true {
            if let end = endOfHead() {
                message.head = String(decoding: received[start..<end], as: UTF8.self)
                start = end
                break
            }
            if let end = fill() {
                message.end = end
                return message
            }
        }
        let isResponse = message.head.hasPrefix("HTTP/")
        let status = isResponse ? message.status : 0
        if !hasBody || status / 100 == 1 || status == 204 || status == 304 {
            message.isComplete = true
        } else if message.value(of: "transfer-encoding") != nil {
            readChunks(into: &message)
        } else if let length = message.value(of: "content-length").flatMap({ Int($0) }) {
            message.end = readBody(length, into: &message)
            message.isComplete = message.end == nil
        } else if isResponse {
            let (bytes, end) = readToEnd()
            message.body = bytes
            message.end = end
            message.isComplete = end == .closed
        } else {
            message.isComplete = true
        }
        return message
    }

    private func endOfHead() -> Int? {
        guard waitingCount >= 4 else { return nil }
        for index in start + 3..<received.count
        where received[index] == 10 && received[index - 1] == 13 && received[index - 2] == 10 {
            return index + 1
        }
        return nil
    }

    private func readBody(_ count: Int, into message: inout Message) -> End? {
        var rest = count
        while waitingCount < rest {
            message.body += received[start...]
            rest -= waitingCount
            forget()
            if let end = fill() { return end }
        }
        message.body += received[start..<start + rest]
        start += rest
        return nil
    }

    private func readLine() -> String? {
        while true {
            if let index = received[start...].firstIndex(of: 10) {
                let line = String(decoding: received[start..<index], as: UTF8.self)
                start = index + 1
                return String(line.dropLast())
            }
            if fill() != nil { return nil }
        }
    }

    private func readChunks(into message: inout Message) {
        while let line = readLine(), let size = Int(line, radix: 16) {
            if size == 0 {
                while let trailer = readLine() {
                    if trailer.isEmpty {
                        message.isComplete = true
                        return
                    }
                }
                return
            }
            if readBody(size, into: &message) != nil || readLine() != "" { return }
        }
    }
}
