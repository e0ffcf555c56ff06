import FoundationEssentials

/// A field of a JSON object under any name.
struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init?(intValue: Int) {
        stringValue = "\(intValue)"
        self.intValue = intValue
    }
}

/// What is wrong with one field of a document, for its author.
struct FieldError: Encodable, Equatable {
    let path: String
    let reason: String
}

/// Why a body is not the document that was asked for.
enum DocumentError: Error {
    /// Not JSON, or JSON that can be read in several ways.
    case malformed(FieldError)
    /// JSON, but not of the right shape.
    case wrongShape([FieldError])
}

/// Fields that the object has and the document does not.
private struct UnknownFields: Error {
    let errors: [FieldError]
}

extension Decoder {
    /// Opens an object and refuses the fields that `Key` does not name.
    func strictContainer<Key: CodingKey & CaseIterable>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        let known = Set(Key.allCases.map(\.stringValue))
        let all = try container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        let unknown = all.filter { !known.contains($0) }.sorted()
        if !unknown.isEmpty {
            let list = known.sorted().joined(separator: ", ")
            throw UnknownFields(
                errors: unknown.prefix(16).map { name in
                    FieldError(
                        path: path(of: codingPath + [AnyKey(stringValue: name)]),
                        reason: "is not a field here; known are \(list)")
                })
        }
        return try container(keyedBy: type)
    }

    /// Opens an object that says which of several things it is by the one field that it has.
    func choice<Key: CodingKey & CaseIterable>(
        of type: Key.Type
    ) throws -> (KeyedDecodingContainer<Key>, Key) {
        let container = try strictContainer(keyedBy: type)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            let list = type.allCases.map(\.stringValue).sorted().joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath, debugDescription: "must have one field of \(list)"))
        }
        return (container, key)
    }
}

extension KeyedDecodingContainer {
    /// The field's value; `nil` only when the field is not there, for null says nothing.
    func optional<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        contains(key) ? try decode(type, forKey: key) : nil
    }

    /// The number of a revision; `nil` only when the field is not there.
    func optionalRevision(forKey key: Key) throws -> UInt64? {
        guard let number = try optional(Decimal.self, forKey: key) else { return nil }
        guard let revision = decimal(number.description) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "is not the number of a revision")
        }
        return revision
    }
}

/// Reads a document from a body.
///
/// - Throws: ``DocumentError`` with the paths of the wrong fields.
func decodeDocument<Document: Decodable>(
    _ type: Document.Type, from body: [UInt8]
) throws(DocumentError) -> Document {
    if let fault = DocumentShape.fault(in: body) { throw .malformed(fault) }
    do {
        return try JSONDecoder().decode(type, from: Data(body))
    } catch let error as UnknownFields {
        throw .wrongShape(error.errors)
    } catch let error as DecodingError {
        throw documentError(error)
    } catch {
        throw .malformed(FieldError(path: "", reason: "is not JSON"))
    }
}

private func documentError(_ error: DecodingError) -> DocumentError {
    switch error {
    case .keyNotFound(let key, let context):
        return .wrongShape([
            FieldError(path: path(of: context.codingPath + [key]), reason: "is missing")
        ])
    case .typeMismatch(let type, let context):
        let reason = "is not \(name(of: type))"
        return .wrongShape([FieldError(path: path(of: context.codingPath), reason: reason)])
    case .valueNotFound(let type, let context):
        let reason = "is null where \(name(of: type)) is wanted"
        return .wrongShape([FieldError(path: path(of: context.codingPath), reason: reason)])
    case .dataCorrupted(let context):
        if context.codingPath.isEmpty {
            let reason = "is not JSON, or has a number that is out of bounds"
            return .malformed(FieldError(path: "", reason: reason))
        }
        let reason = context.debugDescription
        return .wrongShape([FieldError(path: path(of: context.codingPath), reason: reason)])
    @unknown default:
        return .malformed(FieldError(path: "", reason: "is not JSON"))
    }
}

private func path(of keys: [any CodingKey]) -> String {
    var path = ""
    for key in keys {
        if let index = key.intValue {
            path += "[\(index)]"
        } else {
            path += path.isEmpty ? key.stringValue : "." + key.stringValue
        }
    }
    return path
}

private func name(of type: any Any.Type) -> String {
    if type == String.self { return "a string" }
    if type == Bool.self { return "true or false" }
    if type == Decimal.self || type == UInt64.self || type == Double.self { return "a number" }
    return "\(type)".hasPrefix("Array") ? "an array" : "an object"
}
