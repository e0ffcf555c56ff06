/// Lets requests through or not before they are routed:
/// `envoy.extensions.filters.http.rbac.v3.RBAC`.
public struct AccessFilter: Equatable, Sendable {
    /// Among the filters of its listener.
    public let name: String
    /// `nil` lets every request through.
    public let rules: AccessRules?
    /// Under which decisions are counted (`rules_stat_prefix`).
    public let statPrefix: String
    /// Of which it is only counted and logged what they would do.
    public let shadowRules: AccessRules?
    public let shadowStatPrefix: String

    public init(
        name: String = "envoy.filters.http.rbac", rules: AccessRules?, statPrefix: String = "",
        shadowRules: AccessRules? = nil, shadowStatPrefix: String = ""
    ) {
        self.name = name
        self.rules = rules
        self.statPrefix = statPrefix
        self.shadowRules = shadowRules
        self.shadowStatPrefix = shadowStatPrefix
    }
}
