import Glibc

/// Whole files: read with a bound, written so that a crash leaves the old or the new one.
public struct File: Sendable {
    /// Reads a whole file of at most `limit` bytes.
    ///
    /// - Returns: What the file holds.
    /// - Throws: What open(2) or read(2) reports; `EFBIG` beyond the limit.
    public static func read(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while contents.count <= limit {
            let count = try Errno.checkCount {
                unsafe chunk.withUnsafeMutableBytes {
                    unsafe Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count)
                }
            }
            if count == 0 { return contents }
            contents.append(contentsOf: chunk[..<count])
        }
        throw .fileTooLarge
    }

    /// Who may read a file that is written.
    public enum Audience: Sendable {
        case owner
        case everyone

        fileprivate var mode: mode_t {
            switch self {
            case .owner: 0o600
            case .everyone: 0o644
            }
        }
    }

    /// Replaces the file at `path` so that a crash at any moment leaves the old or the new one.
    ///
    /// Writes `path.tmp`, syncs it, renames it and syncs the folder.
    ///
    /// - Throws: What open(2), fchmod(2), write(2), fsync(2) or rename(2) reports.
    public static func replace(
        _ path: String, with contents: [UInt8], for audience: Audience
    ) throws(Errno) {
        let temporary = path + ".tmp"
        do {
            let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC, audience.mode)
            // One that a crash has left behind keeps the mode that it was made with.
            try Errno.check { fchmod(descriptor.rawValue, audience.mode) }
            try write(contents.span, to: descriptor)
            try Errno.check { fsync(descriptor.rawValue) }
        }
        try Errno.check { unsafe Glibc.rename(temporary, path) }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = try open(folder, O_RDONLY | O_DIRECTORY)
        try Errno.check { fsync(descriptor.rawValue) }
    }

    /// Opens a file for appending, made when it is not there.
    ///
    /// - Throws: What open(2) reports.
    public static func appending(_ path: String) throws(Errno) -> FileDescriptor {
        try open(path, O_WRONLY | O_CREAT | O_APPEND)
    }

    /// Writes all of `contents`, which blocks where the descriptor does.
    ///
    /// - Throws: What write(2) reports.
    public static func write(
        _ contents: Span<UInt8>, to descriptor: borrowing FileDescriptor
    ) throws(Errno) {
        let rawDescriptor = descriptor.rawValue
        var written = 0
        while written < contents.count {
            let rest = contents.extracting(written...)
            written += try Errno.checkCount {
                unsafe rest.withUnsafeBytes {
                    unsafe Glibc.write(rawDescriptor, $0.baseAddress, $0.count)
                }
            }
        }
    }

    /// Makes a folder and those above it; one that is there already is no error.
    ///
    /// - Throws: What mkdir(2) reports.
    public static func makeFolder(_ path: String) throws(Errno) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)"
            do {
                try Errno.check { unsafe mkdir(made, 0o755) }
            } catch Errno(rawValue: EEXIST) {
                continue
            }
        }
    }

    private static func open(
        _ path: String, _ flags: CInt, _ mode: mode_t = 0o644
    ) throws(Errno) -> FileDescriptor {
        FileDescriptor(
            owning: try Errno.check { unsafe Glibc.open(path, flags | O_CLOEXEC, mode) })
    }
}
