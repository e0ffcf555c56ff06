import Kernel
import Mesh
import Testing
import XDS

@testable import Proxy

@Suite struct `A state directory` {
    @Test func `gives back the newest configuration`() throws {
        let folder = try Folder()
        var directory = StateDirectory(path: folder.path + "/deeper")
        #expect(directory.load(cluster: "c").0 == nil)
        for version in 1...5 { try directory.save(saved(version)) }
        var next = StateDirectory(path: folder.path + "/deeper")
        #expect(next.load(cluster: "c").0 == (try saved(5)))
        try next.save(saved(6))
        var last = StateDirectory(path: folder.path + "/deeper")
        let (found, findings) = last.load(cluster: "c")
        #expect(found == (try saved(6)))
        #expect(findings == [.loaded(generation: 6)])
    }

    @Test func `gives back the one before when the newest is damaged, or none`() throws {
        let folder = try Folder()
        var directory = StateDirectory(path: folder.path)
        try directory.save(saved(1))
        try directory.save(saved(2))
        let newest = folder.path + "/configuration.0"
        let bytes = try File.read(newest, limit: 1 << 20)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            try File.replace(newest, with: Array(bytes.prefix(count)), for: .owner)
            var reader = StateDirectory(path: folder.path)
            #expect(reader.load(cluster: "c").0 == (try saved(1)))
        }
        try File.replace(folder.path + "/configuration.1", with: [], for: .owner)
        var reader = StateDirectory(path: folder.path)
        #expect(reader.load(cluster: "c").0 == nil)
        try reader.save(saved(3))
        var again = StateDirectory(path: folder.path)
        #expect(again.load(cluster: "c").0 == (try saved(3)))
    }

    @Test func `does not give one service the configuration of another`() throws {
        let folder = try Folder()
        var directory = StateDirectory(path: folder.path)
        try directory.save(saved(1))
        var other = StateDirectory(path: folder.path)
        let (found, findings) = other.load(cluster: "other")
        #expect(found == nil)
        #expect(findings.first == .foreign(file: folder.path + "/configuration.1", cluster: "c"))
        try other.save(SavedConfiguration(cluster: "other", snapshot: Snapshot()))
        var again = StateDirectory(path: folder.path)
        #expect(again.load(cluster: "other").0?.cluster == "other")
    }

    @Test func `that cannot be written says so, and is whole`() throws {
        let folder = try Folder()
        try File.replace(folder.path + "/file", with: [1], for: .owner)
        var directory = StateDirectory(path: folder.path + "/file/deeper")
        #expect(throws: Errno.self) { try directory.save(saved(1)) }
        #expect(directory.load(cluster: "c").0 == nil)
    }

    private func saved(_ version: Int) throws -> SavedConfiguration {
        var snapshot = Snapshot()
        snapshot.clusters["a"] = try Cluster(
            name: "a", discovery: .static(try EndpointAssignment(clusterName: "a")),
            connectTimeout: .seconds(version))
        snapshot.versions.clusters = String(version)
        return SavedConfiguration(cluster: "c", snapshot: snapshot)
    }
}

@Suite struct `The delay before a reconnect` {
    @Test func `is at random below a bound that doubles up to 30 seconds`() {
        var random = SystemRandomNumberGenerator()
        var delay = ReconnectDelay()
        var bound = Duration.milliseconds(500)
        for _ in 0..<20 {
            let next = delay.next(using: &random)
            #expect(next >= .zero && next <= bound)
            bound = min(bound * 2, .seconds(30))
        }
        delay.succeeded()
        #expect(delay.next(using: &random) <= .milliseconds(500))
    }
}
