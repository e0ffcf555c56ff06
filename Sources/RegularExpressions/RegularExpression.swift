import CRE2

/// A compiled RE2 pattern that matches a whole text in time linear in its length.
///
/// Two expressions are equal when their patterns are. The compiled program is immutable and shared
/// by all copies, so any thread may match with it.
public struct RegularExpression: Equatable, Sendable {
    /// Most bytes that one pattern's program and automata may take.
    public static let memoryLimit = 1 << 20
    /// Most bytes of a pattern.
    public static let patternLimit = 4096

    /// The pattern as it was written, in RE2's syntax.
    public let pattern: String
    private let program: Program

    /// Compiles `pattern`.
    ///
    /// - Throws: ``RegularExpressionError`` when RE2 does not take the pattern, or it is too large.
    public init(_ pattern: String) throws(RegularExpressionError) {
        let limit = Self.patternLimit
        if pattern.utf8.count > limit { throw .patternTooLong(limit: limit) }
        self.pattern = pattern
        program = try Program(pattern, memoryLimit: Self.memoryLimit)
    }

    /// Whether all of `text` matches.
    public func matches(_ text: Span<UInt8>) -> Bool {
        program.matches(text)
    }

    public static func == (one: RegularExpression, other: RegularExpression) -> Bool {
        one.pattern == other.pattern
    }
}

/// Why a pattern cannot be used.
public enum RegularExpressionError: Error, Equatable, Sendable {
    /// `limit` counts bytes.
    case patternTooLong(limit: Int)
    /// `reason` is what RE2 says to the author of the pattern.
    case patternRefused(reason: String)
}

/// Owns one RE2 object.
@safe private final class Program: @unchecked Sendable {
    private let compiled: OpaquePointer

    init(_ pattern: String, memoryLimit: Int) throws(RegularExpressionError) {
        var reason = [CChar](repeating: 0, count: 256)
        let text = Array(pattern.utf8)
        let result = unsafe text.withUnsafeBytes { bytes in
            unsafe pointsman_re2_compile(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, memoryLimit,
                &reason, reason.count)
        }
        guard let result = unsafe result else {
            let end = reason.firstIndex(of: 0) ?? reason.count
            let bytes = reason[..<end].map { UInt8(bitPattern: $0) }
            throw .patternRefused(reason: String(decoding: bytes, as: UTF8.self))
        }
        unsafe compiled = result
    }

    deinit {
        unsafe pointsman_re2_free(compiled)
    }

    func matches(_ text: Span<UInt8>) -> Bool {
        unsafe text.withUnsafeBytes { bytes in
            unsafe pointsman_re2_full_match(
                compiled, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
    }
}
