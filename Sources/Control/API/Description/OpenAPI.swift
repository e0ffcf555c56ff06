/// The API as it describes itself (OpenAPI 3.0.3), in parts that read as JSON.
enum OpenAPI {
    /// The whole document.
    static var document: String {
        """
        {"openapi": "3.0.3", "info": \(info),
        "security": [{"token": []}, {}],
        "paths": \(merged(paths, identityPaths)),
        "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "parameters": \(parameters),
        "headers": \(headers),
        "responses": \(responses),
        "schemas": \(merged(schemas, identitySchemas))}}
        """
    }

    /// Two objects of JSON as one.
    private static func merged(_ one: String, _ other: String) -> String {
        "\(one.dropLast()),\(other.dropFirst())"
    }

    /// The title.
    static let info = #"""
        {
          "title": "Pointsman control plane",
          "version": "1",
          "description": "Services, versions, splits; revisions, and how far each is; identities."
        }
        """#

    /// Of paths, queries and fields.
    static let parameters = #"""
        {
          "name": {
            "name": "name",
            "in": "path",
            "required": true,
            "description": "A DNS label",
            "schema": {"$ref": "#/components/schemas/Label"}
          },
          "number": {
            "name": "number",
            "in": "path",
            "required": true,
            "schema": {"type": "integer", "minimum": 1, "maximum": 999999999999999999}
          },
          "tokenId": {
            "name": "id",
            "in": "path",
            "required": true,
            "description": "The part of the token that is no secret",
            "schema": {"type": "string"}
          },
          "numberOrCurrent": {
            "name": "number",
            "in": "path",
            "required": true,
            "description": "A number, or current",
            "schema": {"type": "string", "pattern": "^([1-9][0-9]{0,17}|current)$"}
          },
          "route": {
            "name": "route",
            "in": "query",
            "description": "Needed when the service has several routes",
            "schema": {"$ref": "#/components/schemas/Label"}
          },
          "dryRun": {
            "name": "dryRun",
            "in": "query",
            "description": "Check and tell what would change, and change nothing",
            "schema": {"type": "boolean"}
          },
          "reason": {
            "name": "reason",
            "in": "query",
            "description": "Why, for the record: 1000 bytes at most",
            "schema": {"$ref": "#/components/schemas/Reason"}
          },
          "limit": {
            "name": "limit",
            "in": "query",
            "description": "How many at most",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000}
          },
          "proxyLimit": {
            "name": "limit",
            "in": "query",
            "description": "How many at most",
            "schema": {"type": "integer", "minimum": 1, "maximum": 10000}
          },
          "offset": {
            "name": "offset",
            "in": "query",
            "description": "How many to pass over",
            "schema": {"type": "integer", "minimum": 0, "maximum": 1000000}
          },
          "afterName": {
            "name": "after",
            "in": "query",
            "description": "Only names behind this one",
            "schema": {"type": "string"}
          },
          "before": {
            "name": "before",
            "in": "query",
            "description": "Only numbers before this one",
            "schema": {"type": "integer", "minimum": 0, "maximum": 999999999999999999}
          },
          "lastEventId": {
            "name": "lastEventId",
            "in": "query",
            "description": "As Last-Event-ID, for clients that cannot send it",
            "schema": {"type": "string"}
          },
          "If-Match": {
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of what is to be changed",
            "schema": {"type": "string"}
          },
          "If-None-Match": {
            "name": "If-None-Match",
            "in": "header",
            "description": "* makes only what is not there",
            "schema": {"type": "string"}
          },
          "Last-Event-ID": {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The event after which to go on",
            "schema": {"type": "string"}
          },
          "X-Pointsman-User": {
            "name": "X-Pointsman-User",
            "in": "header",
            "description": "Who, where there is no token file",
            "schema": {"type": "string", "maxLength": 128}
          },
          "X-Pointsman-Reason": {
            "name": "X-Pointsman-Reason",
            "in": "header",
            "description": "Why, unless reason says it",
            "schema": {"type": "string", "maxLength": 1000}
          }
        }
        """#

    /// Of answers.
    static let headers = #"""
        {
          "ETag": {
            "description": "The revision that changed it last",
            "schema": {"type": "string"}
          },
          "Pointsman-Revision": {
            "description": "The revision that was made",
            "schema": {"type": "string"}
          }
        }
        """#

    /// What can go wrong.
    static let responses = #"""
        {
          "NotModified": {"description": "It is as the client has it"},
          "BadRequest": {
            "description": "The request cannot be read",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "Unauthorized": {
            "description": "A token is needed",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
            "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}}
          },
          "Forbidden": {
            "description": "A page of another site has sent it",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "NotFound": {
            "description": "There is no such thing",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "Conflict": {
            "description": "It is not the time for that",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "PreconditionFailed": {
            "description": "It has changed meanwhile",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "TooLarge": {
            "description": "The body is too long",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "MediaType": {
            "description": "The body is not JSON",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "Unprocessable": {
            "description": "The document is wrong; errors say where",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          },
          "Unavailable": {
            "description": "The store cannot do it now",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
            "headers": {"Retry-After": {"schema": {"type": "string"}}}
          },
          "Full": {
            "description": "The store has no room",
            "content": {
              "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
          }
        }
        """#
}
