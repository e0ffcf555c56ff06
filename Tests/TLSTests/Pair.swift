import TLS

/// A client and a server with a cable between them that a test can look at, cut and slow down.
final class Pair {
    private var client: Session
    private var server: Session
    let clientWire: Wire
    let serverWire: Wire
    /// How many bytes are delivered at a time; `nil` delivers all that is there.
    var segment: Int?
    /// How many plain bytes are taken at a time.
    var roomCount = 64 * 1024
    var toServer: [UInt8] = []
    var toClient: [UInt8] = []
    var clientReceived: [UInt8] = []
    var serverReceived: [UInt8] = []
    var clientEnded = false
    var serverEnded = false

    init(
        _ client: Context, _ server: Context, serverName: String? = nil, segment: Int? = nil
    ) throws {
        clientWire = try Wire()
        serverWire = try Wire()
        self.client = try Session(client, on: clientWire, serverName: serverName)
        self.server = try Session(server, on: serverWire)
        self.segment = segment
    }

    var clientSide: Agreement { Agreement(client) }
    var serverSide: Agreement { Agreement(server) }

    /// Lets both sides talk until neither has anything to say.
    func run() throws(PairError) {
        if !client.isReady { try deliverToClient([]) }
        while !toServer.isEmpty || !toClient.isEmpty {
            if !toServer.isEmpty {
                let part = take(&toServer)
                try deliverToServer(part)
            }
            if !toClient.isEmpty {
                let part = take(&toClient)
                try deliverToClient(part)
            }
        }
    }

    private func take(_ cable: inout [UInt8]) -> [UInt8] {
        let count = min(segment ?? cable.count, cable.count)
        defer { cable.removeFirst(count) }
        return Array(cable[..<count])
    }

    func deliverToServer(_ bytes: [UInt8]) throws(PairError) {
        defer { Self.collect(serverWire, &toClient) }
        do throws(TLSError) {
            let input = bytes.span
            var read = 0
            if !server.isReady { read = try server.handshake(input) }
            guard server.isReady, read < input.count else { return }
            let end = try receive(&server, input.extracting(read...), &serverReceived)
            serverEnded = serverEnded || end
        } catch {
            throw .server(error)
        }
    }

    func deliverToClient(_ bytes: [UInt8]) throws(PairError) {
        defer { Self.collect(clientWire, &toServer) }
        do throws(TLSError) {
            let input = bytes.span
            var read = 0
            if !client.isReady { read = try client.handshake(input) }
            guard client.isReady, read < input.count else { return }
            let end = try receive(&client, input.extracting(read...), &clientReceived)
            clientEnded = clientEnded || end
        } catch {
            throw .client(error)
        }
    }

    func sendFromClient(_ bytes: [UInt8]) throws {
        try client.send(bytes.span)
        Self.collect(clientWire, &toServer)
    }

    func sendFromServer(_ bytes: [UInt8]) throws {
        try server.send(bytes.span)
        Self.collect(serverWire, &toClient)
    }

    func endFromClient() {
        client.end()
        Self.collect(clientWire, &toServer)
    }

    private func receive(
        _ session: inout Session, _ input: Span<UInt8>, _ received: inout [UInt8]
    ) throws(TLSError) -> Bool {
        var room = [UInt8](repeating: 0, count: roomCount)
        var offset = 0
        while true {
            var span = room.mutableSpan
            let result = try session.receive(input.extracting(offset...), into: &span)
            offset += result.inputCount
            received += room[..<result.byteCount]
            if !result.isCutShort { return result.isLast }
        }
    }

    private static func collect(_ wire: Wire, _ cable: inout [UInt8]) {
        let output = wire.output
        for index in output.indices { cable.append(output[index]) }
        wire.discardOutput()
    }
}

/// What a session says about itself.
struct Agreement {
    let isReady: Bool
    let isResumed: Bool
    let version: Version
    let cipher: String
    let applicationProtocol: String?
    let serverName: String?
    let peer: PeerIdentity?
    let own: PeerIdentity?
    let peerChain: [[UInt8]]

    init(_ session: borrowing Session) {
        isReady = session.isReady
        isResumed = session.isResumed
        version = session.version
        cipher = session.cipher
        applicationProtocol = session.applicationProtocol
        serverName = session.serverName
        peer = session.peer
        own = session.own
        peerChain = session.peerChain
    }
}

/// Which side gave up, and why.
enum PairError: Error, Equatable {
    case client(TLSError)
    case server(TLSError)
}
