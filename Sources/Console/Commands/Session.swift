/// What every command has: the control plane, where to write, and how.
public struct Session {
    public let control: ControlPlane
    public let screen: Screen
    public let format: OutputFormat

    public init(control: ControlPlane, screen: Screen, format: OutputFormat) {
        self.control = control
        self.screen = screen
        self.format = format
    }

    /// Shows `document`, or what `table` makes of it for people.
    func show(_ document: JSONValue, orTable table: () -> String) {
        screen.show(format.render(document) ?? table())
    }

    func render(_ table: TextTable) -> String {
        table.render(isWide: format == .wide, palette: screen.palette)
    }
}

/// How a command that changes something is carried out.
public struct ChangeOptions: Equatable, Sendable {
    /// Why, for the revision.
    public var reason: String?
    /// Whether the change is only checked and shown.
    public var isDryRun: Bool
    /// How long to wait until the change is in effect on every connected sidecar; `nil` does not
    /// wait.
    public var patience: Duration?

    public init(reason: String? = nil, isDryRun: Bool = false, patience: Duration? = nil) {
        self.reason = reason
        self.isDryRun = isDryRun
        self.patience = patience
    }
}
