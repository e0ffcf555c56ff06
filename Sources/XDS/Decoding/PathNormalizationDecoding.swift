import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    /// - Throws: `MeshError` for an action that is not known.
    func pathNormalization(
        of manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> PathNormalization {
        let escapedSlashes: PathNormalization.EscapedSlashes
        switch manager.pathWithEscapedSlashesAction {
        case .implementationSpecificDefault, .keepUnchanged: escapedSlashes = .keep
        case .rejectRequest: escapedSlashes = .reject
        case .unescapeAndRedirect: escapedSlashes = .redirect
        case .unescapeAndForward: escapedSlashes = .unescape
        case .UNRECOGNIZED(let number):
            throw MeshError("path_with_escaped_slashes_action", "\(number) is not a known value")
        }
        return PathNormalization(
            resolves: manager.normalizePath.value, mergesSlashes: manager.mergeSlashes,
            escapedSlashes: escapedSlashes)
    }
}
