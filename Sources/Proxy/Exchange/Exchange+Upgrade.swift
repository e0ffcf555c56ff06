import Bytes
import HTTP
import Telemetry

/// Another protocol behind a request: `Upgrade` over HTTP/1.1 (RFC 9110 §7.8), extended CONNECT
/// over HTTP/2 (RFC 8441 §4).
///
/// Inside, both are what they are over HTTP/1.1: GET with `Upgrade`, answered with 101. A codec of
/// HTTP/2 reads the one as the other, and writes it so.
extension Exchange {
    /// Decides whether the upstream is asked for the protocol that the client wants.
    ///
    /// - Returns: Whether the request goes on; else it was answered.
    func askForUpgrade(on listener: ListenerRuntime) -> Bool {
        guard listener.allowsUpgrade(of: request) else {
            // Over HTTP/1.1 the upstream may answer as if the client had not asked.
            if request.version != .http2 { return true }
            answer(501, [])
            return false
        }
        upgrade = .asked
        if request.version == .http2, request.fields.upgradesToWebSocket,
            request.fields.webSocketKeyIndex == nil
        {
            // Over HTTP/2 there is no use for a key (RFC 8441 §5), but a server of HTTP/1.1, maybe
            // behind other proxies, wants one.
            request.fields.removeAll(named: "sec-websocket-key")
            let key = WebSocketHandshake.key((worker.random.next(), worker.random.next()))
            request.fields.append("sec-websocket-key", value: key.span)
        }
        return true
    }

    /// What an upstream of HTTP/2 is asked for in `:protocol`, in the arena of the request; `nil`
    /// when the request would not be understood over HTTP/1.1 either.
    var connectProtocol: ByteRange? {
        guard let index = request.fields.firstIndex(of: .upgrade) else { return nil }
        if request.fields.upgradesToWebSocket, request.fields.webSocketKeyIndex == nil {
            return nil
        }
        return request.fields[index].value
    }

    /// An upstream of HTTP/2 has opened the tunnel: says so as HTTP/1.1 does.
    func readConnectResponse() {
        response.status = 101
        response.framing = .untilClose
        response.trailers.removeAll()
        guard let index = request.fields.firstIndex(of: .upgrade) else { return }
        response.fields.append("upgrade", value: request.fields.value(at: index))
        response.fields.removeAll(named: "sec-websocket-accept")
        guard let key = request.fields.webSocketKeyIndex else { return }
        let answer = WebSocketHandshake.answer(to: request.fields.value(at: key))
        response.fields.append("sec-websocket-accept", value: answer.span)
    }

    /// Decides what the final response means to a client that has asked for another protocol.
    ///
    /// - Returns: Whether it is passed on; else the request was answered.
    func settleUpgrade() -> Bool {
        let isConnect = request.version == .http2
        guard response.switchesProtocols else {
            upgrade = .none
            // The client would take it for a tunnel.
            guard isConnect, response.status / 100 == 2 else { return true }
            answer(502, .upstreamProtocolError)
            return false
        }
        if isConnect {
            guard isKeyAnswered else {
                answer(502, .upstreamProtocolError)
                return false
            }
            response.status = 200
        }
        upgrade = .switched
        return true
    }

    /// Whether the upstream has understood the key, since the client may not look; proxies in
    /// between may have no answer to pass on.
    private var isKeyAnswered: Bool {
        guard let key = request.fields.webSocketKeyIndex else { return true }
        let answer = WebSocketHandshake.answer(to: request.fields.value(at: key))
        return response.fields.hasValue(answer, orNoneNamed: "sec-websocket-accept")
    }
}

extension Fields {
    fileprivate var upgradesToWebSocket: Bool {
        for index in indices where self[index].known == .upgrade {
            if WebSocketHandshake.isNamed(value(at: index)) { return true }
        }
        return false
    }

    /// The key of a request for WebSocket; `nil` when there is none that can be answered.
    fileprivate var webSocketKeyIndex: Int? {
        var found: Int?
        for index in indices where name(at: index).equalsIgnoringCase("sec-websocket-key") {
            if found != nil || !WebSocketHandshake.isKey(value(at: index)) { return nil }
            found = index
        }
        return found
    }

    fileprivate func hasValue(_ value: [UInt8], orNoneNamed name: StaticString) -> Bool {
        for index in indices where self.name(at: index).equalsIgnoringCase(name) {
            return self.value(at: index).equals(value.span)
        }
        return true
    }

    fileprivate mutating func removeAll(named name: StaticString) {
        for index in indices.reversed() where self.name(at: index).equalsIgnoringCase(name) {
            remove(at: index)
        }
    }
}
