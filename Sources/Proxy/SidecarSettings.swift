public import Kernel
public import Mesh
public import XDS

/// What a sidecar is started with: the command line and the file, checked.
public struct SidecarSettings: Sendable {
    /// Least open descriptors that a sidecar is of any use with.
    public static let leastDescriptorCount = 128
    /// Open descriptors that no client's connection takes.
    static let reservedDescriptorCount = 64
    public static let defaultDrainTime = Duration.seconds(30)

    public var bootstrap: Bootstrap
    /// Threads that carry requests.
    public var workerCount: Int
    /// Where the last good configuration is kept; `nil` keeps none.
    public var stateFolder: String?
    /// How the sidecar gets a certificate of its own; `nil` where it needs none, and then the
    /// control plane is spoken with as the bootstrap says.
    public var identity: IdentitySettings?
    /// Longest time between the signal to end and the end.
    public var drainTime: Duration
    /// For listeners whose configuration names no access log; `nil` writes none.
    public var accessLogPath: String?
    /// Whether a field that is not known here makes a configuration refused.
    public var rejectsUnknownFields: Bool
    public var logLevel: LogLevel
    /// Descriptors that the process may open.
    public var descriptorLimit: Int

    public init(
        bootstrap: Bootstrap,
        workerCount: Int = Machine.processorCount(),
        stateFolder: String? = nil,
        identity: IdentitySettings? = nil,
        drainTime: Duration = SidecarSettings.defaultDrainTime,
        accessLogPath: String? = nil,
        rejectsUnknownFields: Bool = false,
        logLevel: LogLevel = .info
    ) {
        self.bootstrap = bootstrap
        self.workerCount = max(1, workerCount)
        self.stateFolder = stateFolder
        self.identity = identity
        self.drainTime = drainTime
        self.accessLogPath = accessLogPath
        self.rejectsUnknownFields = rejectsUnknownFields
        self.logLevel = logLevel
        descriptorLimit = Machine.raiseDescriptorLimit()
    }

    /// Most connections of clients: so many that each can have one of an upstream, too, and the
    /// control plane, the admin interface and files never go without.
    var connectionLimit: Int { (descriptorLimit - Self.reservedDescriptorCount) / 2 }

    func checkDescriptorLimit() throws(SidecarError) {
        if descriptorLimit < Self.leastDescriptorCount {
            throw SidecarError(
                .descriptors(descriptorLimit, needed: Self.leastDescriptorCount), "ulimit -n")
        }
    }

    /// The snapshot with what the command line adds to it.
    func effective(_ snapshot: Snapshot) -> Snapshot {
        guard let accessLogPath else { return snapshot }
        var snapshot = snapshot
        snapshot.listeners = snapshot.listeners.mapValues { $0.logging(to: accessLogPath) }
        return snapshot
    }

    /// Checks everything that can be checked without serving.
    ///
    /// - Throws: ``SidecarError`` when the file names what is not there.
    public func validate() throws(SidecarError) {
        let snapshot = bootstrap.staticSnapshot
        if bootstrap.controlPlane != nil { return }
        if let missing = snapshot.missingReferences.first {
            throw SidecarError(.missing(missing), "static_resources")
        }
    }
}

/// Why a sidecar cannot start, or had to end.
public struct SidecarError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        case system(Errno)
        case address(String)
        case listening(SocketAddress, Errno)
        case descriptors(Int, needed: Int)
        case missing(Snapshot.MissingReference)
    }

    public let reason: Reason
    /// What was being done, or which setting is wrong.
    public let subject: String

    init(_ reason: Reason, _ subject: String) {
        self.reason = reason
        self.subject = subject
    }

    public var description: String {
        switch reason {
        case .system(let error): "\(subject): \(error)"
        case .address(let text): "\(subject): \"\(text)\" is not an IP address with a port"
        case .listening(let address, let error):
            "\(subject): cannot listen on \(address): \(error)"
        case .descriptors(let limit, let needed):
            "\(subject): \(limit) open descriptors are allowed, \(needed) are needed"
        case .missing(let reference): "\(subject): \(reference.sentence)"
        }
    }
}

extension Snapshot.MissingReference {
    /// What is missing, for people.
    var sentence: String {
        switch self {
        case .routeConfiguration(let name, let listener):
            "listener \"\(listener)\" uses route configuration \"\(name)\", which is not there"
        case .cluster(let name, let routes, let path):
            "route configuration \"\(routes)\": \(path) uses cluster \"\(name)\", which is missing"
        case .assignment(let name, let cluster):
            "cluster \"\(cluster)\" uses endpoints \"\(name)\", which are not there"
        }
    }
}
