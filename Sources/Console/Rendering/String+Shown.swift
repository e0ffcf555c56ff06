extension String {
    /// The text on one line of a terminal, where it does nothing but stand: it may come from
    /// whoever made a change, or from a sidecar.
    public var shown: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x2028, 0x2029: text.unicodeScalars.append(" ")
            // Control characters, and those that turn the direction of what follows.
            case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
                text.unicodeScalars.append("\u{FFFD}")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
