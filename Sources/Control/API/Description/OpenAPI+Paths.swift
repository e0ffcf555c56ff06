extension OpenAPI {
    /// Every path, with what can be done there.
    static let paths = #"""
        {
          "/v1/services": {
            "get": {
              "operationId": "listServices",
              "summary": "All services, by name",
              "parameters": [
                {"$ref": "#/components/parameters/limit"},
                {"$ref": "#/components/parameters/afterName"},
                {"$ref": "#/components/parameters/If-None-Match"}
              ],
              "responses": {
                "200": {
                  "description": "A part of the list",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/ServiceList"}}
                  },
                  "headers": {"ETag": {"$ref": "#/components/headers/ETag"}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "304": {"$ref": "#/components/responses/NotModified"}
              }
            }
          },
          "/v1/services/{name}": {
            "parameters": [{"$ref": "#/components/parameters/name"}],
            "get": {
              "operationId": "getService",
              "summary": "One service",
              "parameters": [{"$ref": "#/components/parameters/If-None-Match"}],
              "responses": {
                "200": {
                  "description": "The service",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Service"}}
                  },
                  "headers": {"ETag": {"$ref": "#/components/headers/ETag"}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "304": {"$ref": "#/components/responses/NotModified"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            },
            "put": {
              "operationId": "putService",
              "summary": "Make a service, or put another in its place",
              "parameters": [
                {"$ref": "#/components/parameters/dryRun"},
                {"$ref": "#/components/parameters/reason"},
                {"$ref": "#/components/parameters/If-Match"},
                {"$ref": "#/components/parameters/If-None-Match"},
                {"$ref": "#/components/parameters/X-Pointsman-User"},
                {"$ref": "#/components/parameters/X-Pointsman-Reason"}
              ],
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/ServiceDocument"}}
                }
              },
              "responses": {
                "200": {
                  "description": "What it changed",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Change"}}
                  },
                  "headers": {
                    "ETag": {"$ref": "#/components/headers/ETag"},
                    "Pointsman-Revision": {"$ref": "#/components/headers/Pointsman-Revision"}
                  }
                },
                "201": {
                  "description": "The service is new",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Change"}}
                  },
                  "headers": {
                    "ETag": {"$ref": "#/components/headers/ETag"},
                    "Pointsman-Revision": {"$ref": "#/components/headers/Pointsman-Revision"}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "412": {"$ref": "#/components/responses/PreconditionFailed"},
                "413": {"$ref": "#/components/responses/TooLarge"},
                "415": {"$ref": "#/components/responses/MediaType"},
                "422": {"$ref": "#/components/responses/Unprocessable"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"}
              }
            },
            "delete": {
              "operationId": "deleteService",
              "summary": "Take a service away",
              "parameters": [
                {"$ref": "#/components/parameters/dryRun"},
                {"$ref": "#/components/parameters/reason"},
                {"$ref": "#/components/parameters/If-Match"},
                {"$ref": "#/components/parameters/If-None-Match"},
                {"$ref": "#/components/parameters/X-Pointsman-User"},
                {"$ref": "#/components/parameters/X-Pointsman-Reason"}
              ],
              "responses": {
                "200": {
                  "description": "What it changed",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Change"}}
                  },
                  "headers": {
                    "Pointsman-Revision": {"$ref": "#/components/headers/Pointsman-Revision"}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "412": {"$ref": "#/components/responses/PreconditionFailed"},
                "422": {"$ref": "#/components/responses/Unprocessable"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"}
              }
            }
          },
          "/v1/services/{name}/split": {
            "parameters": [
              {"$ref": "#/components/parameters/name"}, {"$ref": "#/components/parameters/route"}
            ],
            "get": {
              "operationId": "getSplit",
              "summary": "The split of one route, in percent",
              "parameters": [{"$ref": "#/components/parameters/If-None-Match"}],
              "responses": {
                "200": {
                  "description": "The split",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Split"}}
                  },
                  "headers": {"ETag": {"$ref": "#/components/headers/ETag"}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "304": {"$ref": "#/components/responses/NotModified"},
                "404": {"$ref": "#/components/responses/NotFound"}
              }
            },
            "put": {
              "operationId": "putSplit",
              "summary": "Change the split of one route",
              "parameters": [
                {"$ref": "#/components/parameters/dryRun"},
                {"$ref": "#/components/parameters/reason"},
                {"$ref": "#/components/parameters/If-Match"},
                {"$ref": "#/components/parameters/If-None-Match"},
                {"$ref": "#/components/parameters/X-Pointsman-User"},
                {"$ref": "#/components/parameters/X-Pointsman-Reason"}
              ],
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/SplitRequest"}}
                }
              },
              "responses": {
                "200": {
                  "description": "What it changed",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Change"}}
                  },
                  "headers": {
                    "ETag": {"$ref": "#/components/headers/ETag"},
                    "Pointsman-Revision": {"$ref": "#/components/headers/Pointsman-Revision"}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "412": {"$ref": "#/components/responses/PreconditionFailed"},
                "413": {"$ref": "#/components/responses/TooLarge"},
                "415": {"$ref": "#/components/responses/MediaType"},
                "422": {"$ref": "#/components/responses/Unprocessable"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"}
              }
            }
          },
          "/v1/proxies": {
            "get": {
              "operationId": "listProxies",
              "summary": "The xDS clients that are connected",
              "parameters": [
                {"$ref": "#/components/parameters/proxyLimit"},
                {"$ref": "#/components/parameters/offset"}
              ],
              "responses": {
                "200": {
                  "description": "A part of the list",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/ProxyList"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"}
              }
            }
          },
          "/v1/revisions": {
            "get": {
              "operationId": "listRevisions",
              "summary": "What was changed, the newest first",
              "parameters": [
                {"$ref": "#/components/parameters/limit"},
                {"$ref": "#/components/parameters/before"}
              ],
              "responses": {
                "200": {
                  "description": "A part of the list",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/RevisionList"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "503": {"$ref": "#/components/responses/Unavailable"}
              }
            }
          },
          "/v1/revisions/{number}": {
            "parameters": [{"$ref": "#/components/parameters/numberOrCurrent"}],
            "get": {
              "operationId": "getRevision",
              "summary": "One revision, and how far it has come",
              "responses": {
                "200": {
                  "description": "The revision",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/RevisionStatus"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "503": {"$ref": "#/components/responses/Unavailable"}
              }
            }
          },
          "/v1/revisions/{number}:restore": {
            "parameters": [{"$ref": "#/components/parameters/number"}],
            "post": {
              "operationId": "restoreRevision",
              "summary": "Make all services what they were",
              "parameters": [
                {"$ref": "#/components/parameters/dryRun"},
                {"$ref": "#/components/parameters/reason"},
                {"$ref": "#/components/parameters/If-Match"},
                {"$ref": "#/components/parameters/X-Pointsman-User"},
                {"$ref": "#/components/parameters/X-Pointsman-Reason"}
              ],
              "requestBody": {
                "required": false,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/RestoreRequest"}}
                }
              },
              "responses": {
                "200": {
                  "description": "What it changed",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Change"}}
                  },
                  "headers": {
                    "Pointsman-Revision": {"$ref": "#/components/headers/Pointsman-Revision"}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "412": {"$ref": "#/components/responses/PreconditionFailed"},
                "413": {"$ref": "#/components/responses/TooLarge"},
                "415": {"$ref": "#/components/responses/MediaType"},
                "422": {"$ref": "#/components/responses/Unprocessable"},
                "503": {"$ref": "#/components/responses/Unavailable"},
                "507": {"$ref": "#/components/responses/Full"}
              }
            }
          },
          "/v1/events": {
            "get": {
              "operationId": "followEvents",
              "summary": "Server-sent events: revision, proxy, applied, reset",
              "parameters": [
                {"$ref": "#/components/parameters/Last-Event-ID"},
                {"$ref": "#/components/parameters/lastEventId"}
              ],
              "responses": {
                "200": {
                  "description": "Events without end",
                  "content": {"text/event-stream": {"schema": {"type": "string"}}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"},
                "503": {"$ref": "#/components/responses/Unavailable"}
              }
            }
          },
          "/v1/version": {
            "get": {
              "operationId": "getVersion",
              "summary": "The program and its current revision",
              "responses": {
                "200": {
                  "description": "The program",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Program"}}
                  }
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"}
              }
            }
          },
          "/metrics": {
            "get": {
              "operationId": "getMetrics",
              "summary": "Metrics for Prometheus",
              "responses": {
                "200": {
                  "description": "It is well",
                  "content": {"text/plain": {"schema": {"type": "string"}}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "403": {"$ref": "#/components/responses/Forbidden"}
              }
            }
          },
          "/healthz": {
            "get": {
              "operationId": "getHealth",
              "summary": "Whether the program runs",
              "responses": {
                "200": {
                  "description": "It is well",
                  "content": {"text/plain": {"schema": {"type": "string"}}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"}
              },
              "security": []
            }
          },
          "/readyz": {
            "get": {
              "operationId": "getReadiness",
              "summary": "Whether the program answers",
              "responses": {
                "200": {
                  "description": "It is well",
                  "content": {"text/plain": {"schema": {"type": "string"}}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"}
              },
              "security": []
            }
          },
          "/openapi.json": {
            "get": {
              "operationId": "getDescription",
              "summary": "This document",
              "responses": {
                "200": {
                  "description": "OpenAPI",
                  "content": {"application/json": {"schema": {"type": "object"}}}
                },
                "400": {"$ref": "#/components/responses/BadRequest"}
              },
              "security": []
            }
          }
        }
        """#
}
