import Balancing
import Bytes
import EventLoop
import HTTP
import HTTP1
import Kernel
import Telemetry

/// The response: from the upstream, or from the proxy itself.
extension Exchange {
    /// Parts up to this size are copied behind the head, so that one system call sends both.
    static let copiedByteCount = 16 * 1024

    /// A response head is complete, an informational or the final one.
    func responseHeadArrived() {
        if response.isInformational {
            relayInformational()
            return
        }
        if let upstreamStartedAt {
            upstreamServiceNanoseconds = worker.loop.now.nanoseconds(since: upstreamStartedAt)
        }
        cancelPerTryTimer()
        if retryAfterResponse() { return }
        status = response.status
        outgoing.removeAll()
        isReplayable = false
        guard let downstream else { return }
        if !requestIsComplete { downstreamCloses = true }
        let framing = framingForClient()
        responseState = .relaying(framing)
        applyResponseMutations()
        if framing == .untilClose || !downstream.staysOpen(after: self) { downstreamCloses = true }
        writeResponseHead(framing: framing, to: &worker.staging)
    }

    /// A part of the response body arrived.
    func responseBodyArrived(_ bytes: Span<UInt8>) {
        guard case .relaying(let framing) = responseState, let downstream else { return }
        bytesSent &+= UInt64(bytes.count)
        if framing == .chunked {
            Self.appendChunk(bytes, to: &worker.staging)
        } else if bytes.count <= Self.copiedByteCount {
            worker.staging.append(bytes)
        } else {
            downstream.send(worker.staging, bytes)
            worker.staging.removeAll()
        }
    }

    /// What the upstream sent so far is understood; the client gets it now.
    func responseInputEnded() {
        flushResponse()
        guard let downstream, case .attached(let connection) = upstreamState else { return }
        if downstream.queuedByteCount > 0 { connection.setReading(false) }
    }

    /// The response is complete.
    ///
    /// - Parameter isReusable: Whether the upstream's connection can carry another exchange.
    func responseEnded(reusable isReusable: Bool) {
        if case .relaying(.chunked) = responseState {
            Writer.lastChunk(trailers: response.trailers, to: &worker.staging)
        }
        responseState = .complete
        flushResponse()
        detach(
            reusable: isReusable && requestIsComplete,
            outcome: .answered(status: status))
        downstream?.exchangeEnded()
    }

    /// The client has taken what was queued for it.
    func downstreamDrained() {
        if case .attached(let connection) = upstreamState { connection.setReading(true) }
    }

    /// Answers in place of an upstream; what was on its way there is given up.
    ///
    /// - Parameters:
    ///   - status: What the client gets.
    ///   - reason: What the access log says about it.
    func answer(_ status: UInt16, _ reason: ResponseFlags) {
        flags.formUnion(reason)
        var body = Buffer()
        body.append(LocalReply.body(status: status, flags: flags))
        beginAnswer(status)
        Writer.contentLength(UInt64(body.count), to: &worker.staging)
        if !body.isEmpty { Writer.field("content-type", "text/plain", to: &worker.staging) }
        endAnswer(body: body)
    }

    /// Writes the status line; fields follow, and then ``endAnswer(body:)``.
    func beginAnswer(_ status: UInt16) {
        cancelUpstream(nil)
        if !requestIsComplete { downstreamCloses = true }
        discardsBody = true
        self.status = status
        worker.staging.removeAll()
        Writer.statusLine(status, to: &worker.staging)
    }

    /// Ends the head that ``beginAnswer(_:)`` began, and with it the exchange.
    ///
    /// - Parameter body: Not sent in answer to HEAD, nor with a status that has none.
    func endAnswer(body: borrowing Buffer) {
        guard let downstream else { return }
        if !downstream.staysOpen(after: self) { downstreamCloses = true }
        writeConnectionField(to: &worker.staging)
        Writer.endOfHead(to: &worker.staging)
        if request.method != .head, LocalReply.mayHaveBody(status) {
            worker.staging.append(body.bytes)
            bytesSent &+= UInt64(body.count)
        }
        responseState = .complete
        flushResponse()
        downstream.exchangeEnded()
    }

    func flushResponse() {
        if worker.staging.isEmpty { return }
        downstream?.send(worker.staging)
        worker.staging.removeAll()
    }

    var requestIsComplete: Bool {
        if case .complete = requestState { true } else { false }
    }

    private func relayInformational() {
        if request.version == .http10 { return }
        response.write(to: &worker.staging)
        Writer.endOfHead(to: &worker.staging)
        flushResponse()
    }

    /// How the end of the body is told to this client (RFC 9112 §6.3).
    private func framingForClient() -> BodyFraming {
        switch response.framing {
        case .none, .length: response.framing
        case .chunked, .untilClose:
            if request.version == .http10 { .untilClose } else { .chunked }
        }
    }

    private func writeResponseHead(framing: BodyFraming, to buffer: inout Buffer) {
        response.write(to: &buffer)
        switch framing {
        case .length(let length): Writer.contentLength(length, to: &buffer)
        case .chunked: Writer.chunkedEncoding(to: &buffer)
        case .untilClose: break
        case .none:
            // HEAD and 304 tell the length of a body that does not come (RFC 9110 §8.6).
            if request.method == .head || status == 304 { response.writeContentLength(to: &buffer) }
        }
        writeGeneratedCookies(to: &buffer)
        writeConnectionField(to: &buffer)
        Writer.endOfHead(to: &buffer)
    }

    private func writeConnectionField(to buffer: inout Buffer) {
        if downstreamCloses { Writer.field("connection", "close", to: &buffer) }
    }
}

extension ResponseHead {
    /// Writes the status line and the fields that are for the client as well.
    fileprivate func write(to buffer: inout Buffer) {
        Writer.statusLine(status, reason: reason, to: &buffer)
        Writer.endToEndFields(fields, to: &buffer)
    }

    /// Writes Content-Length as it was received.
    fileprivate func writeContentLength(to buffer: inout Buffer) {
        guard let index = fields.firstIndex(of: .contentLength) else { return }
        Writer.field("content-length", value: fields.value(at: index), to: &buffer)
    }
}
