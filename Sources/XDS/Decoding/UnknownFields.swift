import FoundationEssentials
import SwiftProtobuf

/// A field that a peer set and that this version does not know.
public struct UnknownField: Hashable, Sendable, CustomStringConvertible {
    /// The full name of the message that has it.
    public let message: String
    public let number: Int

    public var description: String { "unknown field \(number) of \(message)" }
}

/// Walks over a message and everything in it, and collects what the protos do not declare.
struct UnknownFieldVisitor: Visitor {
    private(set) var fields: Set<UnknownField> = []
    private(set) var count = 0
    private var messageName: String

    init(over message: some Message) {
        messageName = type(of: message).protoMessageName
        // Nothing that this visitor does can throw.
        try? message.traverse(visitor: &self)
    }

    mutating func visitUnknown(bytes: Data) throws {
        for number in fieldNumbers(of: Array(bytes)) {
            count += 1
            fields.insert(UnknownField(message: messageName, number: number))
        }
    }

    mutating func visitSingularMessageField<M: Message>(value: M, fieldNumber: Int) throws {
        let outer = messageName
        messageName = M.protoMessageName
        try value.traverse(visitor: &self)
        messageName = outer
    }

    mutating func visitMapField<KeyType, ValueType: Message & Hashable>(
        fieldType: _ProtobufMessageMap<KeyType, ValueType>.Type,
        value: _ProtobufMessageMap<KeyType, ValueType>.BaseType, fieldNumber: Int
    ) throws {
        for element in value.values {
            try visitSingularMessageField(value: element, fieldNumber: fieldNumber)
        }
    }

    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufEnumMap<KeyType, ValueType>.Type,
        value: _ProtobufEnumMap<KeyType, ValueType>.BaseType, fieldNumber: Int
    ) throws {}
    mutating func visitMapField<KeyType, ValueType: MapValueType>(
        fieldType: _ProtobufMap<KeyType, ValueType>.Type,
        value: _ProtobufMap<KeyType, ValueType>.BaseType, fieldNumber: Int
    ) throws {}
    mutating func visitSingularDoubleField(value: Double, fieldNumber: Int) throws {}
    mutating func visitSingularInt64Field(value: Int64, fieldNumber: Int) throws {}
    mutating func visitSingularUInt64Field(value: UInt64, fieldNumber: Int) throws {}
    mutating func visitSingularBoolField(value: Bool, fieldNumber: Int) throws {}
    mutating func visitSingularStringField(value: String, fieldNumber: Int) throws {}
    mutating func visitSingularBytesField(value: Data, fieldNumber: Int) throws {}
    mutating func visitSingularEnumField<E: Enum>(value: E, fieldNumber: Int) throws {}
}

/// The numbers of the fields that `bytes` hold one after the other.
///
/// SwiftProtobuf has checked their form already; what is not readable ends the list.
private func fieldNumbers(of bytes: [UInt8]) -> [Int] {
    var numbers: [Int] = []
    var rest = bytes[...]
    while let tag = readVarint(&rest), tag >> 3 > 0, tag >> 3 <= 1 << 29 {
        let isSkipped =
            switch tag & 7 {
            case 0: readVarint(&rest) != nil
            case 1: drop(8, from: &rest)
            case 2: readVarint(&rest).map { drop($0, from: &rest) } ?? false
            case 5: drop(4, from: &rest)
            default: false
            }
        numbers.append(Int(tag >> 3))
        if !isSkipped { return numbers }
    }
    return numbers
}

private func drop(_ count: UInt64, from bytes: inout ArraySlice<UInt8>) -> Bool {
    guard count <= UInt64(bytes.count) else { return false }
    bytes = bytes.dropFirst(Int(count))
    return true
}

private func readVarint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = bytes.popFirst(), shift < 64 {
        value |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 == 0 { return value }
        shift += 7
    }
    return nil
}
