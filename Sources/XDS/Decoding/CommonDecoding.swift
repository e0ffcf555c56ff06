import FoundationEssentials
import Mesh
import SwiftProtobuf

/// Throws when `isSet`: the field stands for something that this proxy does not do.
func refuse(_ isSet: Bool, _ path: String) throws(MeshError) {
    if isSet { throw MeshError(path, "is not supported") }
}

/// Throws when `host` is not an IP address as text: nothing resolves names here.
func require(address host: String, _ path: String) throws(MeshError) {
    if host.isEmpty { throw MeshError(path, "is missing") }
    if !AddressLiteral.isAddress(host) {
        throw MeshError(path, "\"\(host)\" is not an IP address, and names are not resolved")
    }
}

/// Does `transform` for each element, and puts `path[index]` before what it throws.
func mapping<Element, Value>(
    _ elements: [Element], _ path: String, _ transform: (Element) throws(MeshError) -> Value
) throws(MeshError) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
        do {
            values.append(try transform(element))
        } catch {
            throw error.inside("\(path)[\(index)]")
        }
    }
    return values
}

extension Proto.Duration {
    /// - Throws: `MeshError` when it is no duration by protobuf's own rules.
    func value(_ path: String) throws(MeshError) -> Duration {
        let limit: Int64 = 315_576_000_000
        guard (-limit...limit).contains(seconds), abs(Int64(nanos)) < 1_000_000_000,
            seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0)
        else { throw MeshError(path, "is not a valid duration") }
        return .seconds(seconds) + .nanoseconds(Int64(nanos))
    }

    /// Zero is how Envoy writes that there is no limit.
    func limit(_ path: String) throws(MeshError) -> Duration? {
        let duration = try value(path)
        return duration == .zero ? nil : duration
    }

    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    }
}

extension Proto.Address {
    /// - Throws: `MeshError` unless it is an IP address and a port for TCP.
    func hostAndPort() throws(MeshError) -> (host: String, port: UInt16) {
        guard case .socketAddress(let socket)? = address else {
            switch address {
            case .pipe: throw MeshError("pipe", "is not supported")
            case .envoyInternalAddress:
                throw MeshError("envoy_internal_address", "is not supported")
            case .socketAddress, nil: throw MeshError("socket_address", "is missing")
            }
        }
        do throws(MeshError) {
            try refuse(socket.protocol != .tcp, "protocol")
            try refuse(!socket.resolverName.isEmpty, "resolver_name")
            try refuse(!socket.networkNamespaceFilepath.isEmpty, "network_namespace_filepath")
            if case .namedPort? = socket.portSpecifier {
                throw MeshError("named_port", "is not supported")
            }
            guard let port = UInt16(exactly: socket.portValue) else {
                throw MeshError("port_value", "must be at most 65535")
            }
            return (socket.address, port)
        } catch {
            throw error.inside("socket_address")
        }
    }

    init(host: String, port: UInt16) {
        self.init()
        socketAddress.address = host
        socketAddress.portValue = UInt32(port)
    }
}

extension Proto.ConfigSource {
    /// - Throws: `MeshError` unless the resources come over the one stream that there is.
    func requireAggregated(_ path: String) throws(MeshError) {
        switch configSourceSpecifier {
        case .ads, .self_p: break
        case .path, .pathConfigSource, .apiConfigSource:
            throw MeshError(path, "only ads is supported")
        case nil: throw MeshError(path, "is missing")
        }
        if resourceApiVersion == .v2 { throw MeshError(path, "resource_api_version must be V3") }
    }

    static var aggregated: Self {
        var source = Self()
        source.ads = .init()
        source.resourceApiVersion = .v3
        return source
    }
}

extension StringMatcher {
    init(_ message: Proto.StringMatcher) throws(MeshError) {
        switch message.matchPattern {
        case .exact(let text): try self.init(.exact(text), ignoresCase: message.ignoreCase)
        case .prefix(let text): try self.init(.prefix(text), ignoresCase: message.ignoreCase)
        case .suffix(let text): try self.init(.suffix(text), ignoresCase: message.ignoreCase)
        case .contains(let text): try self.init(.contains(text), ignoresCase: message.ignoreCase)
        case .safeRegex(let regex): try self.init(regex: regex.regex)
        case .custom: throw MeshError("custom", "is not supported")
        case nil: throw MeshError("", "has no pattern")
        }
    }
}

extension RegexRewrite {
    init(_ message: Proto.RegexRewrite) throws(MeshError) {
        try self.init(pattern: message.pattern.regex, substitution: message.substitution)
    }
}

extension HeaderMutations {
    // `prefix` is `request` or `response`, with which the names of the fields begin.
    init(
        add options: [Proto.HeaderValueOption], remove names: [String], prefix: String
    ) throws(MeshError) {
        if options.isEmpty, names.isEmpty {
            self = .none
            return
        }
        let additions = try mapping(options, prefix + "_headers_to_add", Addition.init(message:))
        do {
            try self.init(add: additions, remove: names)
        } catch {
            throw MeshError(prefix + "_headers_to_remove" + error.path, error.reason)
        }
    }
}

extension HeaderMutations.Addition {
    fileprivate init(message: Proto.HeaderValueOption) throws(MeshError) {
        let value: String
        if message.header.rawValue.isEmpty {
            value = message.header.value
        } else {
            guard let text = String(validating: message.header.rawValue, as: UTF8.self) else {
                throw MeshError("header.raw_value", "is not UTF-8")
            }
            value = text
        }
        try self.init(
            name: message.header.key, value: value, action: try Self.action(message),
            keepsEmptyValue: message.keepEmptyValue)
    }

    private static func action(_ message: Proto.HeaderValueOption) throws(MeshError) -> Action {
        // `append` is from before there was `append_action`, and may stand only without it.
        if message.hasAppend {
            guard message.appendAction == .appendIfExistsOrAdd else {
                throw MeshError("append", "must not stand beside append_action")
            }
            return message.append.value ? .append : .overwrite
        }
        switch message.appendAction {
        case .appendIfExistsOrAdd: return .append
        case .addIfAbsent: return .addIfAbsent
        case .overwriteIfExistsOrAdd: return .overwrite
        case .overwriteIfExists: return .overwriteIfExists
        case .UNRECOGNIZED(let number):
            throw MeshError("append_action", "\(number) is not a known value")
        }
    }
}
