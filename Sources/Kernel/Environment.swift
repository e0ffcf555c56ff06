import Glibc

/// The variables that the process was started with.
public enum Environment {
    /// The value of a variable; `nil` when it is not set or empty.
    public static func value(of name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
