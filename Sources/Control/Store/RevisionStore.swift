/// Where revisions are kept; what it has accepted survives the process and the machine.
protocol RevisionStore: AnyObject {
    /// The services as they are at the latest revision.
    func load() throws(StoreError) -> World

    /// Keeps a revision, and the services that it made different, before it returns; or nothing.
    ///
    /// - Parameters:
    ///   - revision: One more than the latest.
    ///   - differences: What it changed, for readers.
    ///   - next: The world of that revision.
    ///   - names: The services that differ from the latest revision.
    /// - Throws: ``StoreError``; then nothing is kept.
    func append(
        _ revision: Revision, differences: [Difference], next: World, names: [String]
    ) throws(StoreError)

    /// A revision and what it changed; `nil` when it is not there or not there any more.
    func revision(_ number: UInt64) throws(StoreError) -> (Revision, [Difference])?

    /// At most `limit` revisions before `number`, the newest first.
    func revisions(before number: UInt64, limit: Int) throws(StoreError) -> [Revision]

    /// The services as they were at a revision that is there.
    func world(at number: UInt64) throws(StoreError) -> World

    /// Puts everything where a copy of the store has it, and lets go of the store.
    func close()
}

/// Why the store did not do what it was asked for.
enum StoreError: Error, Equatable {
    /// No room left on the device.
    case full
    case readOnly
    /// Another process has it.
    case inUse
    /// What is there cannot be read; `reason` is for the operator.
    case damaged(reason: String)
    /// Made by a newer release.
    case newerSchema
    case failed(reason: String)

    /// For the operator.
    var reason: String {
        switch self {
        case .full: "there is no room left for the store"
        case .readOnly: "the store cannot be written"
        case .inUse: "the store is in use by another process"
        case .damaged(let reason): "the store is damaged: \(reason)"
        case .newerSchema: "the store was made by a newer release"
        case .failed(let reason): "the store failed: \(reason)"
        }
    }
}
