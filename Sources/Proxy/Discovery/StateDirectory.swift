import Kernel
import XDS

/// The last good configuration on disk (`--state-dir`), in two files that take turns.
///
/// Each is written beside itself, synced and renamed, so whatever happens when, one of them is
/// whole; a damaged one is as good as none.
struct StateDirectory {
    /// What was found at the start, for the log.
    enum Finding: Equatable {
        case loaded(generation: UInt64)
        case absent
        case unreadable(file: String, Errno)
        case unusable(file: String, SavedConfigurationError)
        /// Another service's proxy has been here.
        case foreign(file: String, cluster: String)
    }

    private let path: String
    private var generation: UInt64 = 0

    init(path: String) {
        self.path = path
    }

    /// Reads the newest configuration that is whole and belongs to `cluster`.
    mutating func load(cluster: String) -> (SavedConfiguration?, [Finding]) {
        var findings: [Finding] = []
        var newest: SavedConfiguration?
        for turn in 0..<UInt64(2) {
            let file = self.file(turn)
            do throws(Errno) {
                let bytes = try File.read(file, limit: SavedConfiguration.byteLimit)
                guard let (saved, generation) = decoded(bytes, file, &findings) else { continue }
                // A file that is foreign keeps its number, so that ours becomes the newer one.
                if saved.cluster != cluster {
                    findings.append(.foreign(file: file, cluster: saved.cluster))
                } else if newest == nil || generation > self.generation {
                    newest = saved
                }
                self.generation = max(self.generation, generation)
            } catch {
                if error != .notFound { findings.append(.unreadable(file: file, error)) }
            }
        }
        findings.append(newest == nil ? .absent : .loaded(generation: generation))
        return (newest, findings)
    }

    /// Replaces the older of the two files; blocks until it is on disk.
    ///
    /// - Throws: What the system calls report, such as `ENOSPC`; the newer file is still there.
    mutating func save(_ configuration: SavedConfiguration) throws(Errno) {
        let next = generation &+ 1
        try File.makeFolder(path)
        // It may hold keys.
        try File.replace(
            file(next % 2), with: configuration.encoded(generation: next), for: .owner)
        generation = next
    }

    private func file(_ turn: UInt64) -> String {
        "\(path)/configuration.\(turn % 2)"
    }

    private func decoded(
        _ bytes: [UInt8], _ file: String, _ findings: inout [Finding]
    ) -> (SavedConfiguration, UInt64)? {
        do throws(SavedConfigurationError) {
            return try SavedConfiguration.decoding(bytes)
        } catch {
            findings.append(.unusable(file: file, error))
            return nil
        }
    }
}
