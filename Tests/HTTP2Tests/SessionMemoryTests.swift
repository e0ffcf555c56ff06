import Testing

@testable import HTTP2

@Suite("The memory of sessions")
struct SessionMemoryTests {
    @Test func `what a session gave back is lent again`() {
        let memory = SessionMemory()
        do {
            let session = Session(role: .server, memory: memory)
            let isAlive = session.wantsOutput
            #expect(isAlive)
        }
        let freed = memory.freeByteCount
        #expect(freed > 0)
        do {
            let session = Session(role: .server, memory: memory)
            let isAlive = session.wantsOutput
            #expect(isAlive)
            #expect(memory.freeByteCount < freed)
        }
        #expect(memory.freeByteCount == freed)
    }

    @Test func `what waits to be lent is bounded`() {
        let memory = SessionMemory()
        nest(400, memory)
        #expect(memory.freeByteCount <= SessionMemory.keptByteCount)
        #expect(memory.freeByteCount > SessionMemory.keptByteCount / 2)
    }

    /// Sessions that exist at the same time.
    private func nest(_ count: Int, _ memory: SessionMemory) {
        let session = Session(role: .server, memory: memory)
        if count > 1 { nest(count - 1, memory) }
        let isAlive = session.wantsOutput
        #expect(isAlive)
    }
}
