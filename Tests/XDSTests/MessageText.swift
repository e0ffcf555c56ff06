import SwiftProtobuf
import Testing
import XDS
import YAML

/// Makes a message from YAML with the field names of its proto, and serialises it.
func body<M: Message>(_ type: M.Type, _ yaml: String) throws -> [UInt8] {
    try message(type, yaml).bytes
}

func message<M: Message>(_ type: M.Type, _ yaml: String) throws -> M {
    Proto.registerTypes()
    return try M(jsonString: Document(parsing: yaml).root.json)
}
