import CNGHTTP2

/// Where the sessions of one thread have their memory from.
///
/// A stream is a handful of small blocks that live as long as it does, so blocks that were given
/// back are lent again by their size, without a look at the whole heap.
@safe public final class SessionMemory {
    /// Most bytes that wait to be lent again.
    static let keptByteCount = 256 * 1024
    /// Blocks come in multiples of this many bytes, and stand at multiples of it.
    static let grain = 16
    /// The largest blocks that are kept, in grains.
    static let largestGrainCount = 64

    /// Each size's free blocks, which hold each other's addresses; by their count of grains.
    private var free = unsafe InlineArray<65, UnsafeMutableRawPointer?>(repeating: nil)
    /// How many bytes wait to be lent again.
    private(set) var freeByteCount = 0

    public init() {}

    deinit {
        for grains in 1...Self.largestGrainCount {
            while let block = unsafe take(grains) { unsafe Self.discard(block) }
        }
    }

    /// What nghttp2 calls; it must not outlive this object.
    var library: nghttp2_mem {
        unsafe nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { size, user in unsafe SessionMemory.lend(size, from: user) },
            free: { block, user in unsafe SessionMemory.giveBack(block, to: user) },
            calloc: { count, size, user in
                let (total, overflow) = count.multipliedReportingOverflow(by: size)
                guard !overflow, let block = unsafe SessionMemory.lend(total, from: user) else {
                    return nil
                }
                unsafe block.initializeMemory(as: UInt8.self, repeating: 0, count: total)
                return unsafe block
            },
            realloc: { block, size, user in
                guard let block = unsafe block else {
                    return unsafe SessionMemory.lend(size, from: user)
                }
                let held = unsafe SessionMemory.grains(of: block) * SessionMemory.grain
                if size <= held { return unsafe block }
                guard let larger = unsafe SessionMemory.lend(size, from: user) else { return nil }
                unsafe larger.copyMemory(from: block, byteCount: held)
                unsafe SessionMemory.giveBack(block, to: user)
                return unsafe larger
            })
    }

    private static func lend(
        _ byteCount: Int, from user: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer? {
        guard let user = unsafe user else { return nil }
        return unsafe Unmanaged<SessionMemory>.fromOpaque(user)._withUnsafeGuaranteedRef {
            unsafe $0.lend(byteCount)
        }
    }

    private static func giveBack(
        _ block: UnsafeMutableRawPointer?, to user: UnsafeMutableRawPointer?
    ) {
        guard let block = unsafe block, let user = unsafe user else { return }
        unsafe Unmanaged<SessionMemory>.fromOpaque(user)._withUnsafeGuaranteedRef {
            unsafe $0.takeBack(block)
        }
    }

    private func lend(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let grains = max((byteCount + Self.grain - 1) / Self.grain, 1)
        if grains <= Self.largestGrainCount, let block = unsafe take(grains) {
            freeByteCount -= grains * Self.grain
            return unsafe block
        }
        // How large a block is stands in the grain before it.
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: (grains + 1) * Self.grain, alignment: Self.grain)
        unsafe memory.storeBytes(of: grains, as: Int.self)
        return unsafe memory + Self.grain
    }

    private func takeBack(_ block: UnsafeMutableRawPointer) {
        let grains = unsafe Self.grains(of: block)
        let byteCount = grains * Self.grain
        if grains > Self.largestGrainCount || freeByteCount + byteCount > Self.keptByteCount {
            unsafe Self.discard(block)
            return
        }
        unsafe block.storeBytes(of: free[grains], as: UnsafeMutableRawPointer?.self)
        unsafe free[grains] = block
        freeByteCount += byteCount
    }

    private func take(_ grains: Int) -> UnsafeMutableRawPointer? {
        guard let block = unsafe free[grains] else { return nil }
        unsafe free[grains] = block.load(as: UnsafeMutableRawPointer?.self)
        return unsafe block
    }

    private static func grains(of block: UnsafeMutableRawPointer) -> Int {
        unsafe (block - grain).load(as: Int.self)
    }

    private static func discard(_ block: UnsafeMutableRawPointer) {
        unsafe (block - grain).deallocate()
    }
}
