/// One connection from a client, as its worker keeps it.
protocol ServerConnection: AnyObject {
    /// Tells the client that the connection ends, where its version of HTTP has words for it.
    func beginDraining()
    /// Closes the connection when nothing is under way, else behind the last response.
    func closeWhenIdle()
}
