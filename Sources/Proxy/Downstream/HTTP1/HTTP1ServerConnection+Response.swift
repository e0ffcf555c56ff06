import Bytes
import HTTP
import HTTP1

/// The response, as HTTP/1.1 sends it.
///
/// Parts are put together in the worker's ``Worker/downstreamOutput`` until they are flushed.
extension HTTP1ServerConnection {
    /// Writes an informational response; HTTP/1.0 does not know them (RFC 9110 §15.2).
    func writeInformational(of exchange: Exchange) {
        if exchange.request.version == .http10 { return }
        exchange.response.write(to: &worker.downstreamOutput)
        Writer.endOfHead(to: &worker.downstreamOutput)
    }

    /// Writes the head of the response, and decides whether the connection ends with it.
    func writeHead(of exchange: Exchange) {
        assert(worker.downstreamOutput.isEmpty, "a part of another response was left behind")
        responseFraming = framing(for: exchange)
        if !exchange.requestIsComplete || responseFraming == .untilClose || !staysOpen(exchange) {
            closesAfterResponse = true
        }
        exchange.response.write(
            responseFraming, toHead: exchange.request.method == .head,
            closes: closesAfterResponse, to: &worker.downstreamOutput)
    }

    func writeBody(_ bytes: Span<UInt8>) {
        if responseFraming == .chunked {
            Writer.chunk(bytes, to: &worker.downstreamOutput)
        } else if bytes.count <= Worker.copiedByteCount {
            worker.downstreamOutput.append(bytes)
        } else {
            send(worker.downstreamOutput, bytes)
            worker.downstreamOutput.removeAll()
        }
    }

    func writeEnd(of exchange: Exchange) {
        if responseFraming == .chunked {
            Writer.lastChunk(trailers: exchange.response.trailers, to: &worker.downstreamOutput)
        }
    }

    /// Sends what was written; the exchange ends here when the client is gone.
    func flushResponse() {
        if worker.downstreamOutput.isEmpty { return }
        send(worker.downstreamOutput)
        worker.downstreamOutput.removeAll()
    }

    /// Whether another request may follow.
    private func staysOpen(_ exchange: Exchange) -> Bool {
        exchange.request.isPersistent && !closesAfterResponse && !worker.closesConnections
            && !hasLivedLongEnough && isKeptByListener
    }

    /// How the end of the body is told to this client (RFC 9112 §6.3).
    private func framing(for exchange: Exchange) -> BodyFraming {
        switch exchange.response.framing {
        case .none, .length: exchange.response.framing
        case .chunked, .untilClose:
            if exchange.request.version == .http10 || exchange.upgrade == .switched {
                .untilClose
            } else {
                .chunked
            }
        }
    }
}

extension ResponseHead {
    /// Writes the status line and the fields that are for the client as well.
    fileprivate func write(to buffer: inout Buffer) {
        if reasonRange.isEmpty {
            Writer.statusLine(status, to: &buffer)
        } else {
            Writer.statusLine(status, reason: reason, to: &buffer)
        }
        Writer.endToEndFields(fields, to: &buffer)
    }

    /// Writes a whole final head.
    fileprivate func write(
        _ framing: BodyFraming, toHead isAnswerToHead: Bool, closes: Bool, to buffer: inout Buffer
    ) {
        write(to: &buffer)
        switch framing {
        case .length(let length): Writer.contentLength(length, to: &buffer)
        case .chunked: Writer.chunkedEncoding(to: &buffer)
        case .untilClose: break
        case .none:
            // HEAD and 304 tell the length of a body that does not come (RFC 9110 §8.6).
            if isAnswerToHead || status == 304 { writeContentLength(to: &buffer) }
        }
        if switchesProtocols {
            Writer.upgrade(of: fields, to: &buffer)
        } else if closes {
            Writer.field("connection", "close", to: &buffer)
        }
        Writer.endOfHead(to: &buffer)
    }

    /// Writes Content-Length as it was received.
    private func writeContentLength(to buffer: inout Buffer) {
        guard let index = fields.firstIndex(of: .contentLength) else { return }
        Writer.field("content-length", value: fields.value(at: index), to: &buffer)
    }
}
