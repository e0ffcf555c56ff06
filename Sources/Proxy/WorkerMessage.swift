import Balancing
import EventLoop
import Kernel
import Mesh
import Routing
import Synchronization
import TLS

/// What the main thread asks of a worker.
enum WorkerMessage: Sendable {
    case apply(WorkerConfiguration)
    case stopListening
    /// Answers from now on end their connection.
    case drain
    case closeIdle
    /// Whether answers from now on end their connection, without anything else changing.
    case setClosing(Bool)
    case describe(DescriptionRequest)
    case stop
}

/// What a worker tells the main thread.
enum WorkerReport: Sendable {
    /// The configuration of that number is in effect on this worker.
    case applied(UInt64)
    /// No connection is left.
    case drained
    case described(DescriptionRequest, [String: [EndpointSummary]])
    /// There is no session with a peer.
    case refused(Refusal)
}

/// Names one question, whose answers come from every worker.
struct DescriptionRequest: Hashable, Sendable {
    let number: UInt64
}

/// One configuration, ready for a worker: checked, with addresses that can be read, and with what
/// all workers share.
struct WorkerConfiguration: Sendable {
    /// Counts up with every configuration that is put in effect.
    let revision: UInt64
    /// By the name of the listener, for this worker alone; `nil` when no route has changed.
    let tables: [String: RouteTable]?
    /// What ``Destination/cluster`` counts in.
    let clusterNames: [String]
    let clusters: [ClusterConfiguration]
    let listeners: [ListenerConfiguration]
}

struct ClusterConfiguration: Sendable {
    let cluster: Cluster
    /// `nil` when the cluster brings its endpoints itself.
    let assignment: EndpointAssignment?
    /// Shared by all workers.
    let limits: ClusterLimits
    /// `nil` where bytes go as they are.
    let context: TLS.Context?
}

struct ListenerConfiguration: Sendable {
    let listener: Listener
    /// `nil` when the listener logs nothing.
    let accessLog: AccessLogWriter?
    /// For each of its filter chains; `nil` where bytes go as they come.
    let contexts: [TLS.Context?]
    /// For a listener that is new or has moved.
    let sockets: SocketHandover
}

/// Listening sockets on their way from the main thread, which opened them, to the workers.
///
/// The main thread opens them all before anything changes, so that an address that is taken
/// refuses the configuration as a whole.
final class SocketHandover: Sendable {
    private let waiting = Mutex<SocketList>(SocketList())

    /// Adds a socket that one worker will take.
    func add(_ socket: consuming Socket) {
        let descriptor = socket.release()
        waiting.withLock { $0.descriptors.append(descriptor) }
    }

    /// Takes one; `nil` when the listener is not new.
    func take() -> Socket? {
        let descriptor = waiting.withLock { $0.descriptors.popLast() }
        return descriptor.map { Socket(adopting: FileDescriptor(owning: $0)) }
    }

    deinit {
        // Whatever nobody took is closed: the configuration was refused.
        while let socket = take() { _ = consume socket }
    }
}

private struct SocketList {
    var descriptors: [Int32] = []
}
