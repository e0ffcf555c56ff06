import EventLoop
import Kernel
import Synchronization
import Testing

private final class Acceptor: EventHandler {
    let listener: Socket
    let address: SocketAddress?
    var accepted: Socket?

    init() throws(Errno) {
        listener = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        address = listener.localAddress
    }

    func handle(_ readiness: Readiness) {
        guard let connection = try? listener.accept() else { return }
        accepted = .some(connection.socket)
    }
}

private final class Stopper: TimerHandler, EventHandler {
    let loop: EventLoop
    let mailbox: Mailbox<Int>
    var messages: [Int] = []

    init(_ loop: EventLoop) throws(Errno) {
        self.loop = loop
        mailbox = try Mailbox()
    }

    func timerFired(_ timer: TimerToken) { loop.stop() }

    func handle(_ readiness: Readiness) {
        messages += mailbox.take()
        if messages.count == 2 { loop.stop() }
    }
}

@Suite struct `Event loop` {
    @Test func `hands a connection and its bytes over`() throws {
        let loop = try EventLoop()
        let acceptor = try Acceptor()
        _ = try loop.register(acceptor.listener.descriptor, for: .readable, handler: acceptor)
        let address = try #require(acceptor.address)
        let client = try Socket.connecting(to: address)
        while acceptor.accepted == nil {
            try loop.turn(longestWait: .seconds(5))
        }
        #expect(client.takeError() == nil)
        #expect(try client.send([1, 2].span, [3].span) == .bytes(3))
        var room: [UInt8] = [0, 0, 0, 0]
        var span = room.mutableSpan
        #expect(try acceptor.accepted?.receive(into: &span) == .bytes(3))
        #expect(room == [1, 2, 3, 0])
    }

    @Test func `stops when a timer says so`() throws {
        let loop = try EventLoop()
        let stopper = try Stopper(loop)
        let begin = Instant.now()
        _ = loop.schedule(after: .milliseconds(20), for: stopper)
        try loop.run()
        #expect(Instant.now().nanoseconds(since: begin) >= 19_000_000)
    }

    @Test func `takes messages from another thread in their order`() throws {
        let loop = try EventLoop()
        let stopper = try Stopper(loop)
        let mailbox = stopper.mailbox
        _ = try loop.register(mailbox.wakeUp.descriptor, for: .readable, handler: stopper)
        let thread = try Kernel.Thread(name: "sender") {
            mailbox.post(1)
            mailbox.post(2)
        }
        try loop.run()
        thread.join()
        #expect(stopper.messages == [1, 2])
    }

    @Test func `a connection that is refused reports why`() throws {
        let listener = try Socket.listening(on: .loopback(port: 0), sharesPort: false)
        let bound = listener.localAddress
        let address = try #require(bound)
        _ = consume listener
        #expect(throws: Errno.connectionRefused) {
            let socket = try Socket.connecting(to: address)
            if let error = socket.takeError() { throw error }
        }
    }
}
