import Mesh
import SwiftProtobuf

/// Which connections a listener takes, and how they are secured.
extension ResourceDecoder {
    mutating func filterChains(
        of message: Proto.Listener
    ) throws(MeshError) -> [FilterChain] {
        for (index, filter) in message.listenerFilters.enumerated() {
            try MeshError.at("listener_filters[\(index)]") { () throws(MeshError) in
                try checkListenerFilter(filter)
            }
        }
        var chains: [FilterChain] = []
        for (index, chain) in message.filterChains.enumerated() {
            let path = "filter_chains[\(index)]"
            let decoded = try MeshError.at(path) { () throws(MeshError) in
                try filterChain(chain)
            }
            if chains.contains(where: { $0.match == decoded.match }) {
                throw MeshError(path + ".filter_chain_match", "is that of a chain before it")
            }
            chains.append(decoded)
        }
        if message.hasDefaultFilterChain {
            chains.append(
                try MeshError.at("default_filter_chain") { () throws(MeshError) in
                    try filterChain(message.defaultFilterChain)
                })
        }
        return chains
    }

    func inspection(of message: Proto.Listener) throws(MeshError) -> Inspection {
        try Inspection(
            timeout: message.hasListenerFiltersTimeout
                ? try message.listenerFiltersTimeout.limit("listener_filters_timeout")
                : Inspection.defaultTimeout,
            continues: message.continueOnListenerFiltersTimeout)
    }

    /// Looking at the beginning of a handshake needs no filter here, but asking for it is right.
    private mutating func checkListenerFilter(
        _ filter: Proto.ListenerFilter
    ) throws(MeshError) {
        guard case .typedConfig(let any)? = filter.configType,
            let inspector = try unpack(any, as: Proto.TLSInspector.self)
        else { throw MeshError("", "\"\(filter.name)\" is not supported") }
        try refuse(inspector.enableJa3Fingerprinting.value, "enable_ja3_fingerprinting")
        try refuse(inspector.enableJa4Fingerprinting.value, "enable_ja4_fingerprinting")
        try noteUnknownFields(of: inspector)
    }

    private mutating func filterChain(
        _ message: Proto.FilterChain
    ) throws(MeshError) -> FilterChain {
        try refuse(message.useProxyProto.value, "use_proxy_proto")
        let match = try MeshError.at("filter_chain_match") { () throws(MeshError) in
            try filterChainMatch(message.filterChainMatch)
        }
        var security: DownstreamSecurity?
        if message.hasTransportSocket {
            security = try MeshError.at("transport_socket") { () throws(MeshError) in
                try downstreamSecurity(message.transportSocket)
            }
        }
        let path = "transport_socket_connect_timeout"
        return try FilterChain(
            match: match, security: security,
            handshakeTimeout: message.hasTransportSocketConnectTimeout
                ? try message.transportSocketConnectTimeout.value(path)
                : FilterChain.defaultHandshakeTimeout)
    }

    private func filterChainMatch(
        _ message: Proto.FilterChainMatch
    ) throws(MeshError) -> FilterChain.Match {
        // A condition that is not known here would let the wrong ones in.
        try refuse(!message.unknownFields.data.isEmpty, "a condition on addresses or ports")
        let transport: FilterChain.Match.Transport?
        switch message.transportProtocol {
        case "": transport = nil
        case "tls": transport = .tls
        case "raw_buffer": transport = .plain
        default:
            throw MeshError(
                "transport_protocol", "\"\(message.transportProtocol)\" is not supported")
        }
        for (index, name) in message.serverNames.enumerated()
        where name.isEmpty || name.dropFirst(name.hasPrefix("*.") ? 2 : 0).contains("*") {
            throw MeshError("server_names[\(index)]", "must be a name, or one behind \"*.\"")
        }
        return FilterChain.Match(
            serverNames: message.serverNames,
            applicationProtocols: message.applicationProtocols, transport: transport)
    }
}
