extension OpenAPI {
    /// The paths of the certificate authority.
    static let identityPaths = #"""
        {
          "/v1/identity": {
            "get": {
              "operationId": "getIdentity",
              "summary": "The certificate authority of the mesh",
              "responses": {
                "200": {
                  "description": "Its authorities",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Authority"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            }
          },
          "/v1/identity/roots": {
            "get": {
              "operationId": "getRoots",
              "summary": "Every root that is accepted now, in PEM",
              "responses": {
                "200": {
                  "description": "Certificates",
                  "content": {"application/x-pem-file": {"schema": {"type": "string"}}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            }
          },
          "/v1/identity/certificates": {
            "get": {
              "operationId": "listCertificates",
              "summary": "Certificates that were issued and have not ended, the latest first",
              "parameters": [
                {"$ref": "#/components/parameters/limit"},
                {"$ref": "#/components/parameters/before"}
              ],
              "responses": {
                "200": {
                  "description": "A part of the list",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/CertificateList"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            }
          },
          "/v1/identity/tokens": {
            "get": {
              "operationId": "listTokens",
              "summary": "The latest 1000 bootstrap tokens, without their secrets",
              "responses": {
                "200": {
                  "description": "The tokens",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/TokenList"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            },
            "post": {
              "operationId": "makeToken",
              "summary": "Make a bootstrap token; it is shown once",
              "parameters": [{"$ref": "#/components/parameters/X-Pointsman-User"}],
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/TokenRequest"}}
                }
              },
              "responses": {
                "201": {
                  "description": "The token",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Token"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "413": {"$ref": "#/components/responses/TooLarge"},
                "415": {"$ref": "#/components/responses/MediaType"},
                "422": {"$ref": "#/components/responses/Unprocessable"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"},
                "409": {"$ref": "#/components/responses/Conflict"}
              }
            }
          },
          "/v1/identity/tokens/{id}": {
            "parameters": [{"$ref": "#/components/parameters/tokenId"}],
            "delete": {
              "operationId": "withdrawToken",
              "summary": "Withdraw a token; what was issued for it stays good",
              "parameters": [{"$ref": "#/components/parameters/X-Pointsman-User"}],
              "responses": {
                "200": {
                  "description": "It is gone",
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "properties": {"id": {"type": "string"}},
                        "additionalProperties": false,
                        "required": ["id"]
                      }
                    }
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"}
              }
            }
          },
          "/v1/identity:rotate": {
            "post": {
              "operationId": "rotateAuthority",
              "summary": "Replace the intermediate authority, or begin to replace the root",
              "parameters": [{"$ref": "#/components/parameters/X-Pointsman-User"}],
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/RotationRequest"}}
                }
              },
              "responses": {
                "200": {
                  "description": "The authorities",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Authority"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "413": {"$ref": "#/components/responses/TooLarge"},
                "415": {"$ref": "#/components/responses/MediaType"},
                "422": {"$ref": "#/components/responses/Unprocessable"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"},
                "409": {"$ref": "#/components/responses/Conflict"}
              }
            }
          },
          "/v1/identity/events": {
            "get": {
              "operationId": "listIdentityEvents",
              "summary": "What was done to the authority, the latest first",
              "parameters": [{"$ref": "#/components/parameters/limit"}],
              "responses": {
                "200": {
                  "description": "Events",
                  "content": {
                    "application/json": {
                      "schema": {"$ref": "#/components/schemas/AuthorityEventList"}
                    }
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            }
          }
        }
        """#

    /// What it is asked and what it answers.
    static let identitySchemas = #"""
        {
          "Identity": {
            "type": "string",
            "description": "NAMESPACE/ACCOUNT"
          },
          "Authority": {
            "type": "object",
            "properties": {
              "trustDomain": {"type": "string"},
              "certificateLifetimeSeconds": {"type": "integer", "minimum": 0},
              "rotating": {"type": "boolean"},
              "roots": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/AuthorityCertificate"}
              },
              "intermediates": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/AuthorityCertificate"}
              }
            },
            "additionalProperties": false,
            "required": [
              "trustDomain",
              "certificateLifetimeSeconds",
              "rotating",
              "roots",
              "intermediates"
            ]
          },
          "AuthorityCertificate": {
            "type": "object",
            "properties": {
              "id": {"type": "integer", "minimum": 0},
              "state": {"type": "string", "enum": ["announced", "active", "retiring"]},
              "root": {"type": "integer", "minimum": 0},
              "madeAt": {"type": "string", "format": "date-time"},
              "readyAt": {
                "type": "string",
                "format": "date-time",
                "description": "When certificates will hang on an announced root"
              },
              "lastEnd": {
                "type": "string",
                "format": "date-time",
                "description": "When the last certificate ends that hangs on it"
              },
              "certificate": {"type": "string", "description": "PEM"}
            },
            "additionalProperties": false,
            "required": ["id", "state", "madeAt", "certificate"]
          },
          "TokenRequest": {
            "type": "object",
            "properties": {
              "namespace": {"type": "string"},
              "account": {"type": "string"},
              "lifetime_seconds": {
                "type": "integer",
                "minimum": 1,
                "maximum": 2592000,
                "default": 3600
              },
              "uses": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1}
            },
            "additionalProperties": false,
            "required": ["account"]
          },
          "Token": {
            "type": "object",
            "properties": {
              "id": {"type": "string"},
              "identity": {"$ref": "#/components/schemas/Identity"},
              "madeAt": {"type": "string", "format": "date-time"},
              "madeBy": {"type": "string"},
              "expiresAt": {"type": "string", "format": "date-time"},
              "uses": {"type": "integer", "minimum": 0},
              "usesLeft": {"type": "integer", "minimum": 0},
              "token": {"type": "string", "description": "Only in the answer that made it"}
            },
            "additionalProperties": false,
            "required": ["id", "identity", "madeAt", "madeBy", "expiresAt", "uses", "usesLeft"]
          },
          "TokenList": {
            "type": "object",
            "properties": {
              "items": {"type": "array", "items": {"$ref": "#/components/schemas/Token"}}
            },
            "additionalProperties": false,
            "required": ["items"]
          },
          "Certificate": {
            "type": "object",
            "properties": {
              "serial": {"type": "string"},
              "identity": {"$ref": "#/components/schemas/Identity"},
              "spiffeId": {"type": "string"},
              "issuer": {"type": "integer", "minimum": 0},
              "ground": {"type": "string", "enum": ["token", "certificate", "secret", "own"]},
              "address": {"type": "string"},
              "issuedAt": {"type": "string", "format": "date-time"},
              "notAfter": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false,
            "required": [
              "serial",
              "identity",
              "spiffeId",
              "issuer",
              "ground",
              "issuedAt",
              "notAfter"
            ]
          },
          "CertificateList": {
            "type": "object",
            "properties": {
              "items": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Certificate"}
              },
              "next": {"type": "integer", "minimum": 0}
            },
            "additionalProperties": false,
            "required": ["items"]
          },
          "RotationRequest": {
            "type": "object",
            "properties": {
              "authority": {"type": "string", "enum": ["root", "intermediate"]}
            },
            "additionalProperties": false,
            "required": ["authority"]
          },
          "AuthorityEvent": {
            "type": "object",
            "properties": {
              "at": {"type": "string", "format": "date-time"},
              "who": {"type": "string"},
              "what": {"type": "string"}
            },
            "additionalProperties": false,
            "required": ["at", "who", "what"]
          },
          "AuthorityEventList": {
            "type": "object",
            "properties": {
              "items": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/AuthorityEvent"}
              }
            },
            "additionalProperties": false,
            "required": ["items"]
          }
        }
        """#
}
