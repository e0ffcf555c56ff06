import Bytes
import HTTP
import Mesh
import Routing

/// One form for each path, before anything looks at it.
extension Exchange {
    /// Brings the path of the request into the form that its listener asks for.
    ///
    /// - Returns: Whether the request goes on; else it was answered.
    func normalizePath(by normalization: PathNormalization) -> Bool {
        var path = Buffer()
        switch normalization.normalize(request.path, to: &path) {
        case .unchanged: return true
        case .rewritten:
            request.pathRange = request.fields.store(path)
            return true
        case .redirected:
            // A client of gRPC does not go where it is sent.
            if isGRPC {
                answer(400, [])
            } else {
                beginAnswer(307)
                response.fields.append("location", value: path)
                endAnswer(body: Buffer())
            }
            return false
        case .refused:
            answer(400, [])
            return false
        }
    }
}
