import CLinux
import Glibc

/// How far a transfer on a non-blocking socket came.
public enum Transfer: Equatable, Sendable {
    case bytes(Int)
    /// Nothing now; the poller tells when to try again.
    case wouldBlock
    /// The peer will send no more.
    case ended
}

/// A connection that a listening socket took.
@frozen public struct Accepted: ~Copyable {
    public var socket: Socket
    public let peer: SocketAddress
}

/// A TCP socket, always non-blocking and closed on exec.
public struct Socket: ~Copyable {
    public let descriptor: FileDescriptor

    private init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Takes over a socket that was given away by ``release()``.
    public init(adopting descriptor: consuming FileDescriptor) {
        self.init(descriptor)
    }

    /// Gives the descriptor away, to be adopted on another thread.
    public consuming func release() -> CInt {
        descriptor.release()
    }

    /// Opens a listening socket.
    ///
    /// - Parameters:
    ///   - address: Where to listen; port 0 lets the kernel choose.
    ///   - sharesPort: Whether other sockets may listen there too (SO_REUSEPORT), so that the
    ///     kernel spreads new connections over them.
    ///   - backlog: How many connections may wait to be accepted.
    /// - Returns: The socket, which connections may reach from now on.
    /// - Throws: What socket(2), setsockopt(2), bind(2) or listen(2) reports.
    public static func listening(
        on address: SocketAddress, sharesPort: Bool, backlog: CInt = 1024
    ) throws(Errno) -> Socket {
        let socket = try Socket(family: address.family)
        try socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
        if sharesPort { try socket.set(SOL_SOCKET, SO_REUSEPORT, 1) }
        let descriptor = socket.descriptor.rawValue
        try Errno.check { unsafe address.withRaw { unsafe Glibc.bind(descriptor, $0, $1) } }
        try Errno.check { Glibc.listen(descriptor, backlog) }
        return socket
    }

    /// Begins to connect; the socket is writable once that has ended, see ``takeError()``.
    ///
    /// - Throws: What socket(2) or connect(2) reports, such as a refusal that is known at once.
    public static func connecting(to address: SocketAddress) throws(Errno) -> Socket {
        let socket = try Socket(family: address.family)
        try socket.set(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        let descriptor = socket.descriptor.rawValue
        do throws(Errno) {
            try Errno.check { unsafe address.withRaw { unsafe Glibc.connect(descriptor, $0, $1) } }
        } catch .inProgress {
            return socket
        }
        return socket
    }

    private init(family: CInt) throws(Errno) {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = FileDescriptor(
            owning: try Errno.check { Glibc.socket(family, type, 0) })
        self.init(descriptor)
    }

    /// Takes the next waiting connection; `nil` when there is none.
    ///
    /// - Throws: What accept4(2) reports; see ``Errno/isExhaustion``.
    public func accept() throws(Errno) -> Accepted? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let flags = CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let listener = descriptor.rawValue
        let accepted: CInt
        do throws(Errno) {
            accepted = try Errno.check {
                unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                    unsafe pointsman_accept4(
                        listener, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress,
                        &length, flags)
                }
            }
        } catch .wouldBlock {
            return nil
        } catch .connectionAborted {
            return nil
        }
        let socket = Socket(FileDescriptor(owning: accepted))
        try? socket.set(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        return Accepted(socket: socket, peer: SocketAddress(&storage) ?? .loopback(port: 0))
    }

    /// Reads into `room`.
    ///
    /// - Throws: What recv(2) reports, except that there is nothing yet.
    public func receive(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer {
        let descriptor = descriptor.rawValue
        do throws(Errno) {
            let count = try Errno.checkCount {
                unsafe room.withUnsafeMutableBytes {
                    unsafe pointsman_receive(descriptor, $0.baseAddress, $0.count)
                }
            }
            return count == 0 ? .ended : .bytes(count)
        } catch .wouldBlock {
            return .wouldBlock
        }
    }

    /// Looks at what has arrived, and leaves it there.
    ///
    /// - Throws: What recv(2) reports, except that there is nothing yet.
    public func peek(into room: inout MutableSpan<UInt8>) throws(Errno) -> Transfer {
        let descriptor = descriptor.rawValue
        do throws(Errno) {
            let count = try Errno.checkCount {
                unsafe room.withUnsafeMutableBytes {
                    unsafe recv(descriptor, $0.baseAddress, $0.count, CInt(MSG_PEEK))
                }
            }
            return count == 0 ? .ended : .bytes(count)
        } catch .wouldBlock {
            return .wouldBlock
        }
    }

    /// Lets the socket be readable only when so many bytes have arrived, or the end (SO_RCVLOWAT).
    ///
    /// - Throws: What setsockopt(2) reports.
    public func setLeastReadable(byteCount: Int) throws(Errno) {
        try set(SOL_SOCKET, SO_RCVLOWAT, CInt(clamping: byteCount))
    }

    /// Writes as much of `bytes` as the kernel takes.
    ///
    /// - Throws: What send(2) reports, except that there is no room now.
    public func send(_ bytes: Span<UInt8>) throws(Errno) -> Transfer {
        let descriptor = descriptor.rawValue
        do throws(Errno) {
            let count = try Errno.checkCount {
                unsafe bytes.withUnsafeBytes {
                    unsafe pointsman_send(descriptor, $0.baseAddress, $0.count)
                }
            }
            return .bytes(count)
        } catch .wouldBlock {
            return .wouldBlock
        }
    }

    /// Writes as much of `first` and then `second` as the kernel takes, in one system call.
    ///
    /// - Throws: What sendmsg(2) reports, except that there is no room now.
    public func send(_ first: Span<UInt8>, _ second: Span<UInt8>) throws(Errno) -> Transfer {
        let descriptor = descriptor.rawValue
        do throws(Errno) {
            let count = try Errno.checkCount {
                unsafe first.withUnsafeBytes { first in
                    unsafe second.withUnsafeBytes { second in
                        unsafe sendTwo(descriptor, first, second)
                    }
                }
            }
            return .bytes(count)
        } catch .wouldBlock {
            return .wouldBlock
        }
    }

    /// Whether bytes wait to be read, or the peer has closed or reset the connection, as far as the
    /// kernel knows now; the bytes are left there.
    public func hasInput() -> Bool {
        var byte: UInt8 = 0
        let flags = CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)
        let count = unsafe recv(descriptor.rawValue, &byte, 1, flags)
        return count != -1 || errno != EAGAIN && errno != EINTR
    }

    /// Tells the peer that no more bytes come, and goes on reading.
    public func shutdownWriting() {
        _ = Glibc.shutdown(descriptor.rawValue, CInt(SHUT_WR))
    }

    /// Makes closing the socket reset the connection, so that the peer cannot take it for an end.
    public func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor.rawValue, SOL_SOCKET, SO_LINGER, &option,
            socklen_t(MemoryLayout<linger>.size))
    }

    /// What became of the connection since the last call (SO_ERROR); `nil` when all is well.
    public func takeError() -> Errno? {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        unsafe getsockopt(descriptor.rawValue, SOL_SOCKET, SO_ERROR, &code, &length)
        return code == 0 ? nil : Errno(rawValue: code)
    }

    /// Where the socket is bound; `nil` when the kernel does not tell.
    public var localAddress: SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe getsockname(
                descriptor.rawValue, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress,
                &length)
        }
        return result == 0 ? SocketAddress(&storage) : nil
    }

    /// Gives a connection up when sent bytes stay unacknowledged for `duration` (TCP_USER_TIMEOUT).
    public func setUserTimeout(_ duration: Duration) throws(Errno) {
        let milliseconds = CInt(clamping: duration.wholeNanoseconds / 1_000_000)
        try set(CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
    }

    /// How long the peer has owed an acknowledgement, in nanoseconds; zero when it owes none.
    ///
    /// A peer that has closed its window and answers the probes of it owes none, however long it
    /// does not read: that is what TCP_USER_TIMEOUT cannot tell apart (tcp(7)).
    public func unacknowledgedNanoseconds() -> UInt64 {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        let result = unsafe getsockopt(
            descriptor.rawValue, CInt(IPPROTO_TCP), TCP_INFO, &info, &length)
        let isOwing = info.tcpi_unacked > 0 || info.tcpi_probes > 1
        return result == 0 && isOwing ? UInt64(info.tcpi_last_ack_recv) * 1_000_000 : 0
    }

    /// Probes an idle connection, so that a peer that vanished is noticed (tcp(7)).
    ///
    /// - Parameters:
    ///   - idleSeconds: How long nothing is heard before the first probe.
    ///   - intervalSeconds: How long between two probes.
    ///   - probes: How many probes go unanswered before the connection is given up.
    /// - Throws: What setsockopt(2) reports.
    public func setKeepAlive(
        idleSeconds: CInt, intervalSeconds: CInt, probes: CInt
    ) throws(Errno) {
        try set(SOL_SOCKET, SO_KEEPALIVE, 1)
        try set(CInt(IPPROTO_TCP), TCP_KEEPIDLE, idleSeconds)
        try set(CInt(IPPROTO_TCP), TCP_KEEPINTVL, intervalSeconds)
        try set(CInt(IPPROTO_TCP), TCP_KEEPCNT, probes)
    }

    /// Probes after 15 seconds of silence, and gives the connection up 6 seconds later.
    public func noticeVanishedPeer() throws(Errno) {
        try setKeepAlive(idleSeconds: 15, intervalSeconds: 2, probes: 3)
    }

    private func set(_ level: CInt, _ option: CInt, _ value: CInt) throws(Errno) {
        var value = value
        let descriptor = descriptor.rawValue
        try Errno.check {
            unsafe setsockopt(
                descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }
}

private func sendTwo(
    _ descriptor: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
) -> Int {
    var parts = unsafe (
        iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
        iovec(
            iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
    )
    return unsafe withUnsafeMutableBytes(of: &parts) { bytes in
        var message = unsafe msghdr()
        unsafe message.msg_iov = bytes.assumingMemoryBound(to: iovec.self).baseAddress
        unsafe message.msg_iovlen = 2
        return unsafe sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL))
    }
}
