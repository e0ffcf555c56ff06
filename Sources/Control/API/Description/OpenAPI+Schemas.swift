extension OpenAPI {
    /// The documents.
    static let schemas = #"""
        {
          "Label": {
            "type": "string",
            "minLength": 1,
            "maxLength": 63,
            "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
          },
          "Reason": {"type": "string", "maxLength": 250, "pattern": "^[^\\u0000]*$"},
          "Weights": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
              "type": "number",
              "minimum": 0,
              "exclusiveMaximum": true,
              "maximum": 1000000000000.0
            },
            "description": "By version; any non-negative decimals of which one is not zero"
          },
          "Condition": {
            "oneOf": [
              {"type": "string", "maxLength": 1024},
              {
                "type": "object",
                "properties": {"exact": {"type": "string"}},
                "additionalProperties": false,
                "required": ["exact"]
              },
              {
                "type": "object",
                "properties": {"prefix": {"type": "string"}},
                "additionalProperties": false,
                "required": ["prefix"]
              },
              {
                "type": "object",
                "properties": {"suffix": {"type": "string"}},
                "additionalProperties": false,
                "required": ["suffix"]
              },
              {
                "type": "object",
                "properties": {"contains": {"type": "string"}},
                "additionalProperties": false,
                "required": ["contains"]
              },
              {
                "type": "object",
                "properties": {"regex": {"type": "string"}},
                "additionalProperties": false,
                "required": ["regex"]
              },
              {
                "type": "object",
                "properties": {"present": {"type": "boolean"}},
                "additionalProperties": false,
                "required": ["present"]
              }
            ]
          },
          "Conditions": {
            "type": "object",
            "maxProperties": 16,
            "additionalProperties": {"$ref": "#/components/schemas/Condition"}
          },
          "Match": {
            "type": "object",
            "properties": {
              "path": {
                "oneOf": [
                  {"type": "string"},
                  {
                    "type": "object",
                    "properties": {"exact": {"type": "string"}},
                    "additionalProperties": false,
                    "required": ["exact"]
                  },
                  {
                    "type": "object",
                    "properties": {"prefix": {"type": "string"}},
                    "additionalProperties": false,
                    "required": ["prefix"]
                  },
                  {
                    "type": "object",
                    "properties": {"regex": {"type": "string"}},
                    "additionalProperties": false,
                    "required": ["regex"]
                  }
                ]
              },
              "method": {"type": "string", "maxLength": 32},
              "headers": {"$ref": "#/components/schemas/Conditions"},
              "query": {"$ref": "#/components/schemas/Conditions"},
              "cookies": {"$ref": "#/components/schemas/Conditions"}
            },
            "additionalProperties": false,
            "description": "All conditions must hold; a bare string is the whole value"
          },
          "Sticky": {
            "oneOf": [
              {
                "type": "object",
                "properties": {"cookie": {"type": "string"}},
                "additionalProperties": false,
                "required": ["cookie"]
              },
              {
                "type": "object",
                "properties": {"header": {"type": "string"}},
                "additionalProperties": false,
                "required": ["header"]
              },
              {
                "type": "object",
                "properties": {"query": {"type": "string"}},
                "additionalProperties": false,
                "required": ["query"]
              },
              {
                "type": "object",
                "properties": {"sourceAddress": {"type": "boolean", "enum": [true]}},
                "additionalProperties": false,
                "required": ["sourceAddress"]
              }
            ]
          },
          "Route": {
            "type": "object",
            "properties": {
              "name": {"$ref": "#/components/schemas/Label"},
              "match": {"$ref": "#/components/schemas/Match"},
              "split": {"$ref": "#/components/schemas/Weights"},
              "sticky": {"$ref": "#/components/schemas/Sticky"},
              "timeout": {
                "type": "string",
                "pattern": "^(none|[0-9]{1,9}(ms|s|m|h))$",
                "description": "At most 24h; 15s when nothing is said"
              }
            },
            "additionalProperties": false,
            "required": ["split"]
          },
          \#(accessSchemas),
          "Version": {
            "type": "object",
            "properties": {
              "endpoints": {
                "type": "array",
                "maxItems": 1000,
                "items": {"type": "string", "description": "192.0.2.1:80 or [2001:db8::1]:80"}
              }
            },
            "additionalProperties": false,
            "required": ["endpoints"]
          },
          "ServiceDocument": {
            "type": "object",
            "properties": {
              "name": {"$ref": "#/components/schemas/Label"},
              "protocol": {"type": "string", "enum": ["http", "http2", "grpc", "tcp"]},
              "listen": {
                "type": "string",
                "description": "Where sidecars take connections; for tcp alone, needed there"
              },
              "tls": {"$ref": "#/components/schemas/Security"},
              "identity": {"$ref": "#/components/schemas/Workload"},
              "access": {"$ref": "#/components/schemas/Access"},
              "revision": {
                "type": "integer",
                "minimum": 0,
                "maximum": 999999999999999999,
                "description": "In a request as If-Match"
              },
              "versions": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 32,
                "additionalProperties": {"$ref": "#/components/schemas/Version"}
              },
              "routes": {
                "type": "array",
                "minItems": 1,
                "maxItems": 64,
                "items": {"$ref": "#/components/schemas/Route"}
              }
            },
            "additionalProperties": false,
            "required": ["versions"]
          },
          "Service": {
            "type": "object",
            "properties": {
              "name": {"$ref": "#/components/schemas/Label"},
              "protocol": {"type": "string", "enum": ["http", "http2", "grpc", "tcp"]},
              "listen": {
                "type": "string",
                "description": "Where sidecars take connections; for tcp alone, needed there"
              },
              "tls": {"$ref": "#/components/schemas/Security"},
              "identity": {"$ref": "#/components/schemas/Workload"},
              "access": {"$ref": "#/components/schemas/Access"},
              "revision": {
                "type": "integer",
                "minimum": 0,
                "maximum": 999999999999999999,
                "description": "In a request as If-Match"
              },
              "versions": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 32,
                "additionalProperties": {"$ref": "#/components/schemas/Version"}
              },
              "routes": {
                "type": "array",
                "minItems": 1,
                "maxItems": 64,
                "items": {"$ref": "#/components/schemas/Route"}
              }
            },
            "additionalProperties": false,
            "required": ["name", "protocol", "revision", "versions", "routes"]
          },
          "ServiceList": {
            "type": "object",
            "properties": {
              "items": {"type": "array", "items": {"$ref": "#/components/schemas/Service"}},
              "next": {"type": "string"}
            },
            "additionalProperties": false,
            "required": ["items"]
          },
          "Split": {
            "type": "object",
            "properties": {
              "service": {"type": "string"},
              "route": {"type": "string"},
              "weights": {"$ref": "#/components/schemas/Weights"},
              "revision": {"type": "integer", "minimum": 0}
            },
            "additionalProperties": false,
            "required": ["service", "route", "weights", "revision"]
          },
          "SplitRequest": {
            "type": "object",
            "properties": {
              "weights": {"$ref": "#/components/schemas/Weights"},
              "reason": {"$ref": "#/components/schemas/Reason"},
              "service": {"type": "string"},
              "route": {"type": "string"},
              "revision": {"type": "integer", "minimum": 0, "maximum": 999999999999999999}
            },
            "additionalProperties": false,
            "required": ["weights"]
          },
          "RestoreRequest": {
            "type": "object",
            "properties": {"reason": {"$ref": "#/components/schemas/Reason"}},
            "additionalProperties": false
          },
          "Difference": {
            "type": "object",
            "properties": {
              "path": {"type": "string"},
              "before": {"oneOf": [{"type": "string"}, {"type": "number"}]},
              "after": {"oneOf": [{"type": "string"}, {"type": "number"}]}
            },
            "additionalProperties": false,
            "required": ["path"]
          },
          "Change": {
            "type": "object",
            "properties": {
              "revision": {"type": "integer", "minimum": 0},
              "changed": {"type": "boolean"},
              "dryRun": {"type": "boolean"},
              "diff": {"type": "array", "items": {"$ref": "#/components/schemas/Difference"}}
            },
            "additionalProperties": false,
            "required": ["revision", "changed", "dryRun", "diff"]
          },
          "Revision": {
            "type": "object",
            "properties": {
              "number": {"type": "integer", "minimum": 0},
              "at": {"type": "string", "format": "date-time"},
              "who": {"type": "string"},
              "why": {"type": "string"},
              "kind": {"type": "string", "enum": ["put", "delete", "split", "restore"]},
              "service": {"type": "string"}
            },
            "additionalProperties": false,
            "required": ["number", "at", "who", "why", "kind"]
          },
          "RevisionList": {
            "type": "object",
            "properties": {
              "items": {"type": "array", "items": {"$ref": "#/components/schemas/Revision"}},
              "next": {"type": "integer", "minimum": 0}
            },
            "additionalProperties": false,
            "required": ["items"]
          },
          "RevisionStatus": {
            "type": "object",
            "properties": {
              "number": {"type": "integer", "minimum": 0},
              "at": {"type": "string", "format": "date-time"},
              "who": {"type": "string"},
              "why": {"type": "string"},
              "kind": {"type": "string", "enum": ["put", "delete", "split", "restore"]},
              "service": {"type": "string"},
              "diff": {"type": "array", "items": {"$ref": "#/components/schemas/Difference"}},
              "inEffect": {"$ref": "#/components/schemas/Coverage"}
            },
            "additionalProperties": false,
            "required": ["number", "at", "who", "why", "kind", "diff", "inEffect"]
          },
          "Coverage": {
            "type": "object",
            "properties": {
              "applied": {"type": "integer", "minimum": 0},
              "of": {"type": "integer", "minimum": 0},
              "complete": {"type": "boolean"},
              "lagging": {"type": "array", "items": {"type": "string"}},
              "refused": {
                "type": "array",
                "items": {
                  "type": "object",
                  "properties": {
                    "proxy": {"type": "string"},
                    "type": {"type": "string"},
                    "revision": {"type": "integer", "minimum": 0},
                    "reason": {"type": "string"}
                  },
                  "additionalProperties": false,
                  "required": ["proxy", "type", "revision", "reason"]
                }
              }
            },
            "additionalProperties": false,
            "required": ["applied", "of", "complete", "lagging", "refused"],
            "description": "Of the clients that are connected now"
          },
          "Proxy": {
            "type": "object",
            "properties": {
              "id": {"type": "string"},
              "service": {"type": "string"},
              "identity": {"$ref": "#/components/schemas/Identity"},
              "address": {"type": "string"},
              "userAgent": {"type": "string"},
              "connectedAt": {"type": "string", "format": "date-time"},
              "revision": {"type": "integer", "minimum": 0},
              "lag": {"type": "integer", "minimum": 0},
              "state": {"type": "string", "enum": ["current", "lagging", "refused"]},
              "refusal": {
                "type": "object",
                "properties": {
                  "type": {"type": "string"},
                  "revision": {"type": "integer", "minimum": 0},
                  "reason": {"type": "string"}
                },
                "additionalProperties": false,
                "required": ["type", "revision", "reason"]
              }
            },
            "additionalProperties": false,
            "required": ["id", "service", "address", "userAgent", "connectedAt", "lag", "state"]
          },
          "ProxyList": {
            "type": "object",
            "properties": {
              "revision": {"type": "integer", "minimum": 0},
              "total": {"type": "integer", "minimum": 0},
              "items": {"type": "array", "items": {"$ref": "#/components/schemas/Proxy"}},
              "next": {"type": "integer", "minimum": 0}
            },
            "additionalProperties": false,
            "required": ["revision", "total", "items"]
          },
          "Program": {
            "type": "object",
            "properties": {
              "name": {"type": "string"},
              "version": {"type": "string"},
              "revision": {"type": "integer", "minimum": 0}
            },
            "additionalProperties": false,
            "required": ["name", "version", "revision"]
          },
          "Problem": {
            "type": "object",
            "properties": {
              "type": {"type": "string"},
              "title": {"type": "string"},
              "status": {"type": "integer"},
              "detail": {"type": "string"},
              "errors": {
                "type": "array",
                "items": {
                  "type": "object",
                  "properties": {"path": {"type": "string"}, "reason": {"type": "string"}},
                  "additionalProperties": false,
                  "required": ["path", "reason"]
                }
              }
            },
            "additionalProperties": false,
            "required": ["type", "title", "status", "detail", "errors"]
          }
        }
        """#
}
