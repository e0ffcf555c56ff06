import FoundationEssentials

/// A new folder that goes away with this.
final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "pointsman-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
