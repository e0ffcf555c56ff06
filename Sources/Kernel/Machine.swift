import CLinux
import Glibc

/// What this process may use of the machine.
public struct Machine: Sendable {
    /// How many processors the process may use: its affinity, bounded by the cgroup's CPU quota.
    ///
    /// A container's limit is what counts: the node's cores would make a worker for each.
    public static func processorCount() -> Int {
        let allowed = Int(pointsman_usable_processors())
        guard let quota = cpuQuota() else { return max(1, allowed) }
        return max(1, min(allowed, Int(quota.rounded(.up))))
    }

    /// Processors that the cgroup (version 2, else version 1) grants; `nil` without a limit.
    static func cpuQuota() -> Double? {
        if let text = line("/sys/fs/cgroup/cpu.max") { return quota(fromVersion2: text) }
        guard let quota = line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").flatMap(Double.init),
            let period = line("/sys/fs/cgroup/cpu/cpu.cfs_period_us").flatMap(Double.init)
        else { return nil }
        return quota > 0 && period > 0 ? quota / period : nil
    }

    /// Reads `cpu.max`: `max 100000`, or quota and period in microseconds.
    package static func quota(fromVersion2 text: String) -> Double? {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let quota = Double(parts[0]), let period = Double(parts[1]),
            quota > 0, period > 0
        else { return nil }
        return quota / period
    }

    /// Raises the limit of open descriptors to what the system allows the process.
    ///
    /// - Returns: The limit that now holds.
    public static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
            if unsafe setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Lets go of the code that only the start needed.
    ///
    /// A statically linked program touches half of itself once: metadata, parsers of options and
    /// files. Those pages are the file's own and come back from the page cache when they are used.
    public static func releaseStartUpPages() {
        pointsman_release_code_pages()
    }

    /// Bytes that a source of true randomness gives (getrandom(2)), as one number.
    public static func randomNumber() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    public static var processIdentifier: Int32 { getpid() }

    public static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        let end = name.firstIndex(of: 0) ?? name.endIndex
        return String(decoding: name[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func line(_ path: String) -> String? {
        guard let bytes = try? File.read(path, limit: 4096) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
