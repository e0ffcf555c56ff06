import Kernel
import TLS
import Transport

extension StreamSocket {
    /// Takes a connection into use that TCP has just made: reads from it, and puts TLS on it where
    /// the target asks for that.
    ///
    /// - Throws: Why there is no connection.
    mutating func begin(for lane: Lane, speaking protocolName: String) throws(ConnectFault) {
        if let error = takeError() { throw .system(error) }
        setReading(true)
        // Also ends the interest in writing that connecting needed.
        updateInterest()
        guard let terms = lane.target.security else { return }
        do throws(TLSError) {
            try secure(
                terms.context, with: lane.secureBuffers, serverName: terms.serverName,
                offering: [protocolName])
        } catch {
            throw .security(error)
        }
    }

    /// Goes on with the handshake, if there is one.
    ///
    /// - Returns: Whether requests can go out.
    /// - Throws: Why there will be no session.
    mutating func shakeHands(asWritable isWritable: Bool) throws(ConnectFault) -> Bool {
        if isWritable {
            do throws(Errno) {
                _ = try flush()
            } catch {
                throw .system(error)
            }
        }
        do throws(TLSError) {
            return try shakeHands()
        } catch {
            throw .security(error)
        }
    }
}
