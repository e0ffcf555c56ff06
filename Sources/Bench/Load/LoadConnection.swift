/// One connection to a target, opened again for as long as the run goes on.
protocol LoadConnection: AnyObject {
    /// Counts the connections made in this place; tickets of an earlier one are void.
    var epoch: UInt32 { get }
    /// Begins to connect.
    func open()
    /// Sends a request in a place that the connection has given to ``Lane/park(_:)``.
    func begin(_ flight: Flight)
    /// Gives up what takes too long, and connects again where that waited.
    func tick(now: UInt64)
    /// Closes the connection for good; what is under way is forgotten.
    func shut()
}
