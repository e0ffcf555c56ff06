import Bytes

/// Reads the value of Content-Length: decimal digits and nothing else (RFC 9110 §8.6).
///
/// - Returns: The length in bytes, which fits a signed 64-bit number.
/// - Throws: ``ParseError/contentLengthInvalid``, also for a list of equal values: who takes the
///   first and who takes the last must not differ (RFC 9112 §11.2).
@inline(__always)
func parseContentLength(_ digits: Span<UInt8>) throws(ParseError) -> UInt64 {
    let longest = 19
    if digits.isEmpty || digits.count > longest { throw .contentLengthInvalid }
    var length: UInt64 = 0
    for index in digits.indices {
        guard digits[index].isASCIIDigit else { throw .contentLengthInvalid }
        length = length * 10 + UInt64(digits[index] - UInt8(ascii: "0"))
    }
    if length > UInt64(Int64.max) { throw .contentLengthInvalid }
    return length
}
