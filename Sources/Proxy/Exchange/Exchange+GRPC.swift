import Balancing
import Bytes
import EventLoop
import HTTP
import Kernel
import Mesh
import Routing
import Telemetry

/// What is different when the client speaks gRPC: its deadline, its errors, and what says that a
/// call has failed.
extension Exchange {
    /// What the response says of the endpoint: a failed call comes with 200 as well.
    var endpointStatus: UInt16 {
        guard isGRPC, let code = response.grpcStatus else { return response.status }
        return code.httpStatus
    }

    /// Answers a call as gRPC does: in fields, without a body, with 200.
    ///
    /// - Parameters:
    ///   - code: How the call ended.
    ///   - status: What would have been answered to another client.
    func answerCall(_ code: GRPCStatus.Code, _ status: UInt16) {
        var number = Buffer()
        number.append(decimal: UInt64(code.rawValue))
        var message = Buffer()
        message.append(LocalReply.body(status: status, flags: flags))
        beginAnswer(200)
        response.fields.append("content-type", "application/grpc")
        response.fields.append("grpc-status", value: number)
        // Without the end of the line, what remains is text that needs no escapes.
        if !message.isEmpty {
            if message.bytes[message.count - 1] == UInt8(ascii: "\n") {
                message.truncate(to: message.count - 1)
            }
            response.fields.append("grpc-message", value: message)
        }
        endAnswer(body: Buffer())
    }

    /// Whether the policy repeats a call that has failed already in the head of its response.
    func retriesCall(by policy: CompiledRetry) -> Bool {
        if policy.conditions.isDisjoint(with: .grpc) { return false }
        let condition: RetryPolicy.Conditions =
            switch response.fields.grpcStatus {
            case .cancelled: .grpcCancelled
            case .deadlineExceeded: .grpcDeadlineExceeded
            case .internal: .grpcInternal
            case .resourceExhausted: .grpcResourceExhausted
            case .unavailable: .grpcUnavailable
            default: []
            }
        return !policy.conditions.isDisjoint(with: condition)
    }

    /// Begins to count the time that the exchange has with everything.
    func limitDuration(_ limits: CompiledStreamLimits) {
        let limit = limits.limit(isGRPC: isGRPC, grpcTimeout: request.grpcTimeout)
        ignoresRouteTimeout = limit.replacesTimeout
        if limit.nanoseconds == ListenerTimeouts.none { return }
        durationTimer = worker.loop.schedule(at: startedAt.after(limit.nanoseconds), for: self)
    }

    func endDuration() {
        if let durationTimer { worker.loop.cancel(durationTimer) }
        durationTimer = nil
    }

    /// All time is up.
    func durationEnded() {
        flags.insert(.maximumDurationReached)
        if hasResponseBegun {
            downstream?.abort()
            return
        }
        cancelUpstream(.timedOut)
        if isGRPC {
            answerCall(.deadlineExceeded, 408)
        } else {
            answer(408, [])
        }
    }

    /// Counts how the call ended.
    func recordCall(of cluster: UpstreamCluster) {
        cluster.metrics.calls.add(response.grpcStatus)
    }
}
