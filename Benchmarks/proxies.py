"""The proxies that are measured, each with the same 95/5 split over the same upstreams."""

import json
import os

from harness import bootstrap
from harness.programs import Program, envoy_path, free_port, peer_path, program_path, responds

HAPROXY = """\
global
    nbthread 1
    maxconn 9000
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout client 300s
    timeout server 300s
    timeout connect 1s
frontend outbound
    bind 127.0.0.1:{port}
    default_backend reviews
backend reviews
    balance roundrobin
    server v1 127.0.0.1:{v1} weight 95
    server v2 127.0.0.1:{v2} weight 5
"""

NGINX = """\
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    upstream reviews {{
        server 127.0.0.1:{v1} weight=95;
        server 127.0.0.1:{v2} weight=5;
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://reviews;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }}
    }}
}}
"""


class Measured:
    """A running proxy and what the kernel knows of all its processes."""

    def __init__(self, name, port, program):
        self.name, self.port, self.program = name, port, program
        self.program.wait_for(lambda: responds(port, "/"), 20)

    def processes(self):
        with open(f"/proc/{self.program.pid}/task/{self.program.pid}/children") as children:
            return [self.program.pid, *map(int, children.read().split())]

    def cpu_nanoseconds(self):
        total = 0
        for process in self.processes():
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/schedstat") as line:
                    total += int(line.read().split()[0])
        return total

    def resident_bytes(self):
        total = 0
        for process in self.processes():
            with open(f"/proc/{process}/status") as lines:
                total += sum(int(line.split()[1]) << 10 for line in lines
                             if line.startswith("VmRSS:"))
        return total

    def stop(self):
        self.program.kill() if self.name == "Envoy" else self.program.stop()


def sidecar_bootstrap(port, upstreams):
    clusters = [bootstrap.cluster(name, [upstream.port]) for name, upstream in upstreams.items()]
    routes = bootstrap.route_configuration([bootstrap.to_split({"v1": 95, "v2": 5})])
    manager = bootstrap.manager(routes)
    return bootstrap.static(free_port(), [bootstrap.listener(port, manager)], clusters)


def pointsman_command(folder, upstreams):
    port, file = free_port(), folder / "pointsman.json"
    file.write_text(json.dumps(sidecar_bootstrap(port, upstreams)))
    return port, [program_path("pointsman-proxy"), "-c", file, "--concurrency", "1"]


def haproxy_command(folder, upstreams):
    port, file = free_port(), folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, **{k: u.port for k, u in upstreams.items()}))
    return port, [peer_path("haproxy"), "-f", file]


def nginx_command(folder, upstreams):
    port, file = free_port(), folder / "nginx.conf"
    file.write_text(NGINX.format(
        port=port, folder=folder, **{k: u.port for k, u in upstreams.items()}))
    return port, [peer_path("nginx"), "-c", file, "-e", folder / "nginx-start.log"]


def envoy_command(folder, upstreams):
    port, file = free_port(), folder / "envoy.json"
    file.write_text(json.dumps(sidecar_bootstrap(port, upstreams)))
    return port, [envoy_path(), "-c", file, "--concurrency", "1", "--use-dynamic-base-id",
                  "-l", "error"]


def starter(name, command):
    def start(folder, upstreams):
        port, arguments = command(folder, upstreams)
        processor = str(min(1, (os.cpu_count() or 1) - 1))
        program = Program([peer_path("taskset"), "-c", processor, *arguments],
                          folder / f"{name}.log")
        return Measured(name, port, program)
    return start


COMMANDS = {"Pointsman": pointsman_command, "HAProxy": haproxy_command, "nginx": nginx_command}
STARTERS = {name: starter(name, command)
            for name, command in (COMMANDS | {"Envoy": envoy_command}).items()}
