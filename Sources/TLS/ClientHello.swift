/// What a client says before anything is sealed: which name it asks for, and what it would speak.
///
/// Read from the bytes as they stand on the wire, before there is a session (RFC 8446 §4.1.2).
public struct ClientHello: Equatable, Sendable {
    /// Most bytes in which a message has to be complete.
    public static let byteLimit = 16 * 1024

    /// In lower case; `nil` when the client asks for none.
    public internal(set) var serverName: String?
    public internal(set) var applicationProtocols: [String] = []

    public init(serverName: String? = nil, applicationProtocols: [String] = []) {
        self.serverName = serverName
        self.applicationProtocols = applicationProtocols
    }

    public enum Reading: Equatable, Sendable {
        case needsMore
        /// Not the beginning of a handshake.
        case notTLS
        /// A handshake; of a message that cannot be read, nothing is known.
        case hello(ClientHello)
    }

    /// Looks at the first bytes of a connection.
    ///
    /// More bytes never change what was said of fewer, unless more were needed.
    public static func read(_ bytes: Span<UInt8>) -> Reading {
        let bytes = bytes.extracting(..<min(bytes.count, byteLimit))
        var message: [UInt8] = []
        var offset = 0
        // The message may be cut into several records.
        while offset < bytes.count {
            // handshake(22), and any version that begins with 3
            if bytes[offset] != 22 { return offset == 0 ? .notTLS : .hello(ClientHello()) }
            if offset + 1 < bytes.count, bytes[offset + 1] != 3 {
                return offset == 0 ? .notTLS : .hello(ClientHello())
            }
            guard offset + 5 <= bytes.count else { break }
            let length = Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4])
            if length == 0 || length > 16_384 { return .hello(ClientHello()) }
            let end = min(offset + 5 + length, bytes.count)
            for index in offset + 5..<end { message.append(bytes[index]) }
            if let first = message.first, first != 1 { return .hello(ClientHello()) }
            if message.count >= 4 {
                let size = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
                if size > byteLimit { return .hello(ClientHello()) }
                if message.count >= 4 + size {
                    return .hello(parsed(message[4..<4 + size]) ?? ClientHello())
                }
            }
            offset += 5 + length
        }
        return bytes.count >= byteLimit ? .hello(ClientHello()) : .needsMore
    }

    private static func parsed(_ body: ArraySlice<UInt8>) -> ClientHello? {
        var reader = Reader(rest: body)
        // legacy_version and random; then session, ciphers, compression
        guard reader.skip(34), reader.vector(1) != nil, reader.vector(2) != nil,
            reader.vector(1) != nil
        else { return nil }
        var hello = ClientHello()
        if reader.rest.isEmpty { return hello }
        guard var extensions = reader.vector(2).map(Reader.init) else { return nil }
        while !extensions.rest.isEmpty {
            guard let type = extensions.number(2), let data = extensions.vector(2) else {
                return nil
            }
            switch type {
            case 0: hello.serverName = serverName(data)
            case 16: hello.applicationProtocols = protocols(data)
            default: break
            }
        }
        return hello
    }

    /// The one host name (RFC 6066 §3).
    private static func serverName(_ data: ArraySlice<UInt8>) -> String? {
        var reader = Reader(rest: data)
        guard var list = reader.vector(2).map(Reader.init), list.number(1) == 0,
            let name = list.vector(2), !name.isEmpty, name.count <= 255,
            name.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    /// What the client offers (RFC 7301 §3.1).
    private static func protocols(_ data: ArraySlice<UInt8>) -> [String] {
        var reader = Reader(rest: data)
        guard var list = reader.vector(2).map(Reader.init) else { return [] }
        var names: [String] = []
        while let name = list.vector(1) { names.append(String(decoding: name, as: UTF8.self)) }
        return names
    }
}

/// Takes numbers and vectors from the front of a message (RFC 8446 §3).
private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func skip(_ count: Int) -> Bool {
        guard count <= rest.count else { return false }
        rest = rest.dropFirst(count)
        return true
    }

    mutating func number(_ byteCount: Int) -> Int? {
        guard byteCount <= rest.count else { return nil }
        var value = 0
        for byte in rest.prefix(byteCount) { value = value << 8 | Int(byte) }
        rest = rest.dropFirst(byteCount)
        return value
    }

    /// What stands behind its own length.
    mutating func vector(_ lengthByteCount: Int) -> ArraySlice<UInt8>? {
        guard let count = number(lengthByteCount), count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
