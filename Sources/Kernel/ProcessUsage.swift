import Glibc

/// What this process uses of the machine, as the kernel tells it.
public struct ProcessUsage: Sendable {
    /// Time on processors since the start, of all threads.
    public var cpuNanoseconds: UInt64 = 0
    public var residentByteCount: UInt64 = 0
    public var virtualByteCount: UInt64 = 0
    public var openDescriptorCount: UInt64 = 0
    public var descriptorLimit: UInt64 = 0

    /// Asks the kernel; what it does not tell stays zero.
    public static func current() -> ProcessUsage {
        var usage = ProcessUsage()
        var time = timespec()
        if unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            usage.cpuNanoseconds = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
        if let bytes = try? File.read("/proc/self/statm", limit: 4096) {
            let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").prefix(2)
                .compactMap { UInt64($0) }
            let pageByteCount = UInt64(max(sysconf(CInt(_SC_PAGESIZE)), 0))
            if pages.count == 2 {
                usage.virtualByteCount = pages[0] * pageByteCount
                usage.residentByteCount = pages[1] * pageByteCount
            }
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            usage.descriptorLimit = UInt64(limit.rlim_cur)
        }
        usage.openDescriptorCount = countOpenDescriptors()
        return usage
    }

    private static func countOpenDescriptors() -> UInt64 {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        var count: UInt64 = 0
        while unsafe readdir(folder) != nil { count += 1 }
        unsafe closedir(folder)
        // Not the two links every folder has, and not the one that was opened for counting.
        return count > 3 ? count - 3 : 0
    }
}
