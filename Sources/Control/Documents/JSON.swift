import FoundationEssentials

/// A value as JSON, the same bytes for the same value.
func encodeJSON(_ value: some Encodable) throws(EncodingError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return [UInt8](try encoder.encode(value))
    } catch let error as EncodingError {
        throw error
    } catch {
        throw EncodingError.invalidValue(
            value, .init(codingPath: [], debugDescription: "\(error)"))
    }
}
