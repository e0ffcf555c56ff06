extension API {
    func openAPI(_ request: APIRequest) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        return APIReply(
            fields: [.init(name: "content-type", value: "application/json")],
            body: Array(OpenAPI.document.utf8))
    }
}
