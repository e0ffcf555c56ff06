/// Which version of Pointsman this is; all programs of a release have the same.
public enum ProgramVersion {
    public static let text = "0.1.0"
}
