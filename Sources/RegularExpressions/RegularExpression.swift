import CRE2

/// A compiled RE2 pattern that matches a whole text in time linear in its length.
///
/// Two expressions are equal when their patterns are. A compiled pattern is immutable, so any
/// thread may match with it; but RE2 keeps the states it has met behind a lock, so threads that
/// match often do better with an ``independentCopy()`` each.
@safe public final class RegularExpression: Equatable, @unchecked Sendable {
    /// Most bytes that one pattern's program and automata may take.
    public static let memoryLimit = 1 << 20
    /// Most bytes that a replacement may make.
    public static let resultLimit = 64 << 10
    /// Most bytes of a pattern.
    public static let patternLimit = 4096

    /// The pattern as it was written, in RE2's syntax.
    public let pattern: String
    private let compiled: OpaquePointer

    /// Compiles `pattern`.
    ///
    /// - Throws: ``RegularExpressionError`` when RE2 does not take the pattern, or it is too large.
    public init(_ pattern: String) throws(RegularExpressionError) {
        let limit = Self.patternLimit
        if pattern.utf8.count > limit { throw .patternTooLong(limit: limit) }
        var reason = [CChar](repeating: 0, count: 256)
        let text = Array(pattern.utf8)
        let result = unsafe text.withUnsafeBytes { bytes in
            unsafe pointsman_re2_compile(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
                Self.memoryLimit, &reason, reason.count)
        }
        guard let result = unsafe result else {
            throw .patternRefused(reason: Self.string(reason))
        }
        self.pattern = pattern
        unsafe compiled = result
    }

    deinit {
        unsafe pointsman_re2_free(compiled)
    }

    /// The same expression compiled once more; itself when there is no memory for another.
    public func independentCopy() -> RegularExpression {
        (try? RegularExpression(pattern)) ?? self
    }

    /// Whether all of `text` matches.
    public func matches(_ text: Span<UInt8>) -> Bool {
        unsafe text.withUnsafeBytes { bytes in
            unsafe pointsman_re2_full_match(
                compiled, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
    }

    /// Checks that `substitution` names only groups that the pattern has.
    ///
    /// - Throws: ``RegularExpressionError/substitutionRefused(reason:)``
    public func check(substitution: String) throws(RegularExpressionError) {
        var reason = [CChar](repeating: 0, count: 256)
        let text = Array(substitution.utf8)
        let isGood = unsafe text.withUnsafeBytes { bytes in
            unsafe pointsman_re2_check_rewrite(
                compiled, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
                &reason, reason.count)
        }
        if !isGood { throw .substitutionRefused(reason: Self.string(reason)) }
    }

    /// `text` with every match replaced by `substitution`, in which `\0` is the whole match and
    /// `\1`…`\9` are groups.
    ///
    /// - Returns: The new text; `nil` when it is longer than ``resultLimit`` bytes.
    public func replacingMatches(in text: Span<UInt8>, with substitution: String) -> [UInt8]? {
        let rewrite = Array(substitution.utf8)
        // Most replacements make a path shorter or little longer.
        var result = [UInt8](repeating: 0, count: text.count + 256)
        var size = replace(text, rewrite, &result)
        if size > Self.resultLimit { return nil }
        if size > result.count {
            result = Array(repeating: 0, count: size)
            size = replace(text, rewrite, &result)
        }
        result.removeLast(result.count - min(size, result.count))
        return result
    }

    public static func == (one: RegularExpression, other: RegularExpression) -> Bool {
        one.pattern == other.pattern
    }

    private func replace(
        _ text: Span<UInt8>, _ rewrite: [UInt8], _ result: inout [UInt8]
    ) -> Int {
        unsafe text.withUnsafeBytes { text in
            unsafe rewrite.withUnsafeBytes { rewrite in
                unsafe result.withUnsafeMutableBytes { result in
                    unsafe pointsman_re2_replace(
                        compiled, text.baseAddress?.assumingMemoryBound(to: CChar.self),
                        text.count, rewrite.baseAddress?.assumingMemoryBound(to: CChar.self),
                        rewrite.count,
                        result.baseAddress?.assumingMemoryBound(to: CChar.self), result.count)
                }
            }
        }
    }

    private static func string(_ reason: [CChar]) -> String {
        let end = reason.firstIndex(of: 0) ?? reason.count
        return String(decoding: reason[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Why a pattern or a substitution cannot be used.
public enum RegularExpressionError: Error, Equatable, Sendable {
    /// `limit` counts bytes.
    case patternTooLong(limit: Int)
    /// `reason` is what RE2 says to the author of the pattern.
    case patternRefused(reason: String)
    /// `reason` is what RE2 says to the author of the substitution.
    case substitutionRefused(reason: String)
}
