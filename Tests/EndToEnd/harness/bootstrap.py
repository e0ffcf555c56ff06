"""Builds configurations in Envoy's v3 bootstrap format, as plain dictionaries."""

HCM = ("type.googleapis.com/envoy.extensions.filters.network."
       "http_connection_manager.v3.HttpConnectionManager")
TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def address(port, host="127.0.0.1"):
    return {"socket_address": {"address": host, "port_value": port}}


def cluster(name, ports, policy="ROUND_ROBIN", **more):
    return {
        "name": name, "type": "STATIC", "lb_policy": policy, "connect_timeout": "1s",
        "load_assignment": assignment(name, ports), **more}


def assignment(name, ports):
    endpoints = [{"endpoint": {"address": address(port)}} for port in ports]
    return {"cluster_name": name, "endpoints": [{
        "locality": {"region": "local"}, "load_balancing_weight": 1,
        "lb_endpoints": endpoints}] if endpoints else []}


def to_cluster(name, prefix="/", **action):
    return {"match": {"prefix": prefix}, "route": {"cluster": name, **action}, "name": name}


def to_split(weights, prefix="/", name="split", **action):
    return {"match": {"prefix": prefix}, "name": name, "route": {
        "weighted_clusters": {
            "clusters": [{"name": key, "weight": weight} for key, weight in weights.items()]},
        **action}}


def route_configuration(routes, name="local", domains=("*",)):
    return {"name": name, "virtual_hosts": [
        {"name": "all", "domains": list(domains), "routes": list(routes)}]}


def manager(routes=None, rds=None, **more):
    source = {"route_config": routes} if rds is None else {
        "rds": {"route_config_name": rds,
                "config_source": {"ads": {}, "resource_api_version": "V3"}}}
    return {
        "@type": HCM, "stat_prefix": "outbound", **source,
        "http_filters": [{"name": "envoy.filters.http.router",
                          "typed_config": {"@type": ROUTER}}], **more}


def listener(port, hcm, name="outbound", host="127.0.0.1"):
    return {"name": name, "address": address(port, host), "filter_chains": [{"filters": [{
        "name": "envoy.filters.network.http_connection_manager", "typed_config": hcm}]}]}


def tcp_listener(port, cluster=None, weights=None, name="tcp", host="127.0.0.1", **more):
    """A listener that forwards connections to a cluster, or splits them over several."""
    proxy = {"@type": TCP_PROXY, "stat_prefix": name, **more}
    if weights is None:
        proxy["cluster"] = cluster
    else:
        proxy["weighted_clusters"] = {"clusters": [
            {"name": key, "weight": weight} for key, weight in weights.items()]}
    return {"name": name, "address": address(port, host), "filter_chains": [{"filters": [
        {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}]}


def static(admin, listeners, clusters, node="test"):
    return {
        "node": {"id": node, "cluster": "client"},
        "admin": {"address": address(admin)},
        "static_resources": {"listeners": listeners, "clusters": clusters}}


def ads(admin, server, node="test", metadata=None, service="client"):
    """Everything comes from the ADS server on port `server`."""
    source = {"ads": {}, "resource_api_version": "V3"}
    return {
        "node": {"id": node, "cluster": service, **({"metadata": metadata} if metadata else {})},
        "admin": {"address": address(admin)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC", "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}]},
            "lds_config": source, "cds_config": source},
        "static_resources": {"clusters": [{
            **cluster("xds", [server]),
            "typed_extension_protocol_options": {HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": {}}}}}]}}


def http_options(**options):
    """How a cluster speaks with its endpoints; to be merged into it."""
    return {"typed_extension_protocol_options": {HTTP_OPTIONS: {
        "@type": f"type.googleapis.com/{HTTP_OPTIONS}", **options}}}
