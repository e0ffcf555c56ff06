extension OpenAPI {
    /// Who may ask a service for what, and how they know each other; members of ``schemas``.
    static let accessSchemas = #"""
        "Security": {
          "type": "string",
          "enum": ["off", "permissive", "strict"],
          "description": "Who may call the service's sidecars; off when nothing is said"
        },
        "Workload": {
          "type": "string",
          "pattern": "^([a-z0-9-]{1,63}/)?[a-z0-9.-]{1,253}$",
          "description": "NAMESPACE/ACCOUNT; default/SERVICE when nothing is said"
        },
        "Access": {
          "type": "object",
          "properties": {
            "default": {
              "type": "string",
              "enum": ["allow", "deny"],
              "description": "For requests that no rule is about; only beside deny a rule allows"
            },
            "dryRun": {
              "type": "boolean",
              "description": "Only count and log what would be denied; false when nothing is said"
            },
            "rules": {
              "type": "array",
              "maxItems": 64,
              "items": {"$ref": "#/components/schemas/AccessRule"}
            }
          },
          "additionalProperties": false,
          "required": ["default"],
          "description": "Of two rules about one request, the one that denies it wins"
        },
        "AccessRule": {
          "oneOf": [
            {
              "type": "object",
              "properties": {"allow": {"$ref": "#/components/schemas/AccessConditions"}},
              "additionalProperties": false,
              "required": ["allow"]
            },
            {
              "type": "object",
              "properties": {"deny": {"$ref": "#/components/schemas/AccessConditions"}},
              "additionalProperties": false,
              "required": ["deny"]
            }
          ]
        },
        "AccessConditions": {
          "type": "object",
          "minProperties": 1,
          "properties": {
            "from": {
              "type": "array",
              "minItems": 1,
              "maxItems": 64,
              "uniqueItems": true,
              "items": {
                "type": "string",
                "maxLength": 2048,
                "pattern": "^([a-z0-9-]{1,63}/)?([a-z0-9.-]{1,253}|\\*)$|^spiffe://",
                "description": "NAMESPACE/ACCOUNT, NAMESPACE/* or a SPIFFE ID; with tls only"
              }
            },
            "methods": {
              "type": "array",
              "minItems": 1,
              "maxItems": 16,
              "uniqueItems": true,
              "items": {
                "type": "string",
                "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$"
              }
            },
            "paths": {
              "type": "array",
              "minItems": 1,
              "maxItems": 64,
              "uniqueItems": true,
              "items": {
                "type": "string",
                "maxLength": 1024,
                "pattern": "^/[^*?# \\u0000-\\u001f\\u007f]*\\*?$",
                "description": "The whole path, or with a * at its end what it begins with"
              }
            }
          },
          "additionalProperties": false,
          "description": "All conditions must hold"
        }
        """#
}
