import Balancing
import Kernel

/// The connections of one worker to one endpoint, and the exchanges that wait for one.
///
/// How many connections there are, and how many exchanges wait, is bounded for the whole cluster
/// (``ClusterLimits``).
protocol ConnectionPool: AnyObject {
    var endpoint: EndpointHandle { get }
    var addressText: String { get }

    /// Finds a connection for `exchange`, or lets it wait for one.
    ///
    /// - Parameters:
    ///   - exchange: Who asks; it is kept while it waits.
    ///   - isFresh: Whether a connection that was used before will not do.
    /// - Returns: What became of it.
    func connection(for exchange: Exchange, fresh isFresh: Bool) -> PoolAnswer

    /// Takes an exchange that no longer wants to wait out of the queue.
    func forget(_ exchange: Exchange)

    /// Closes idle connections; the others are closed when their exchanges have ended.
    func retire()

    /// A connection attempt failed.
    ///
    /// - Parameter blamesEndpoint: Not when descriptors or memory of this side have run out.
    func connectFailed(blamesEndpoint: Bool)
}

/// What became of an exchange's wish for a connection.
enum PoolAnswer {
    case upstream(any Upstream)
    /// The exchange is told when a connection is there, or that there will be none.
    case waiting
    /// Too many wait already.
    case overflow
}
