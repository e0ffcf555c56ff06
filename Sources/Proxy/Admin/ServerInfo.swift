import XDS

extension AdminState {
    /// The process as `envoy.admin.v3.ServerInfo`.
    var serverInfo: JSONValue {
        .object([
            ("version", .string(version)),
            ("state", .string(phase.rawValue)),
            ("uptime_current_epoch", .string("\(uptimeSeconds)s")),
            ("uptime_all_epochs", .string("\(uptimeSeconds)s")),
            ("hot_restart_version", .string("disabled")),
            (
                "command_line_options",
                .object(
                    [("concurrency", .number(UInt64(workerCount)))]
                        + options.filter { $0.name != "concurrency" }.map {
                            ($0.name, .string($0.value))
                        })
            ),
            ("node", node.json),
        ])
    }
}

extension NodeIdentity {
    var json: JSONValue {
        .object([
            ("id", .string(id)),
            ("cluster", .string(cluster)),
            (
                "metadata",
                .object(metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })
            ),
            (
                "locality",
                .object([
                    ("region", .string(region)), ("zone", .string(zone)),
                    ("sub_zone", .string(subZone)),
                ])
            ),
            ("user_agent_name", .string(userAgentName)),
            ("user_agent_version", .string(userAgentVersion)),
        ])
    }
}

extension MetadataValue {
    fileprivate var json: JSONValue {
        switch self {
        case .null: .raw("null")
        case .bool(let bool): .bool(bool)
        case .number(let number): number.isFinite ? .raw("\(number)") : .raw("null")
        case .string(let string): .string(string)
        case .list(let elements): .array(elements.map(\.json))
        case .object(let members):
            .object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })
        }
    }
}
