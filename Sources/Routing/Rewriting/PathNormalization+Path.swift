public import Bytes
public import Mesh

private let slash = UInt8(ascii: "/")
private let backslash = UInt8(ascii: "\\")
private let dot = UInt8(ascii: ".")
private let percent = UInt8(ascii: "%")

extension PathNormalization {
    /// What has become of a path.
    public enum Outcome: Equatable, Sendable {
        /// It is in the form that is asked for.
        case unchanged
        /// The form that is asked for has been written.
        case rewritten
        /// The same, and the client shall come again with it.
        case redirected
        /// No request for it is served.
        case refused
    }

    /// Brings a path into the form that is asked for.
    ///
    /// It allocates only for a path in which there may be something to change.
    ///
    /// - Parameters:
    ///   - path: With its query, which stays as it is; what does not begin with a slash, such as
    ///     `*`, stays as it is too.
    ///   - buffer: Empty; gets the new path, which is never longer, where there is one.
    /// - Returns: Whether there is one, and what is to be done with the request.
    public func normalize(_ path: Span<UInt8>, to buffer: inout Buffer) -> Outcome {
        let old = path.withoutQuery
        guard old.count > 0, old[0] == slash else { return .unchanged }
        var escapesSlash = false
        guard mayChange(old, &escapesSlash) else { return .unchanged }
        if escapesSlash, escapedSlashes == .reject { return .refused }
        guard var new = unescaped(old) else { return .refused }
        if resolves { new = withoutDots(new) }
        if mergesSlashes { new = withoutRepeatedSlashes(new) }
        if new.span.equals(old) { return .unchanged }
        buffer.append(new.span)
        buffer.append(path.extracting(old.count...))
        return escapesSlash && escapedSlashes == .redirect ? .redirected : .rewritten
    }

    /// A quick look for anything that could be written in another way.
    private func mayChange(_ path: Span<UInt8>, _ escapesSlash: inout Bool) -> Bool {
        var mayChange = false
        for index in path.indices {
            switch path[index] {
            case percent:
                mayChange = true
                let byte = escapedByte(at: index, of: path)
                if byte == slash || byte == backslash { escapesSlash = true }
            case backslash: mayChange = true
            case slash, dot: if index > 0, path[index - 1] == slash { mayChange = true }
            default: break
            }
        }
        return mayChange
    }

    /// `nil` with an escape that is none: what follows it might become one.
    private func unescaped(_ path: Span<UInt8>) -> [UInt8]? {
        let unescapesSlashes = escapedSlashes == .unescape || escapedSlashes == .redirect
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            var byte = path[index]
            index += 1
            if byte == percent {
                guard let escaped = escapedByte(at: index - 1, of: path) else { return nil }
                let isSlash = escaped == slash || escaped == backslash
                if isSlash ? unescapesSlashes : resolves && isUnreserved(escaped) {
                    byte = escaped
                    index += 2
                }
            }
            bytes.append(byte == backslash && resolves ? slash : byte)
        }
        return bytes
    }

    /// Takes out the segments `.` and `..`, and what `..` leads back from (RFC 3986 §5.2.4).
    private func withoutDots(_ path: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        var start = 1
        while start <= path.count {
            let end = path[start...].firstIndex(of: slash) ?? path.count
            let isLast = end == path.count
            switch path[start..<end] {
            case [dot]:
                if isLast { bytes.append(slash) }
            case [dot, dot]:
                bytes.removeSubrange((bytes.lastIndex(of: slash) ?? 0)...)
                if isLast { bytes.append(slash) }
            default:
                bytes.append(slash)
                bytes += path[start..<end]
            }
            start = end + 1
        }
        return bytes
    }

    private func withoutRepeatedSlashes(_ path: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        for byte in path where byte != slash || bytes.last != slash { bytes.append(byte) }
        return bytes
    }
}

/// What the escape at `index` stands for (RFC 3986 §2.1); `nil` when it is none.
private func escapedByte(at index: Int, of path: Span<UInt8>) -> UInt8? {
    guard index + 2 < path.count, let high = path[index + 1].hexadecimalValue,
        let low = path[index + 2].hexadecimalValue
    else { return nil }
    return high << 4 | low
}

/// Whether escaping it means nothing (RFC 3986 §2.3).
private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case UInt8(ascii: "-"), dot, UInt8(ascii: "_"), UInt8(ascii: "~"): true
    default: false
    }
}
