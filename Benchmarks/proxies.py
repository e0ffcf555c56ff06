"""The proxies that are measured, each with the same 95/5 split over the same upstreams."""

import json
import os
import subprocess
from dataclasses import dataclass
from functools import partial

from harness import bootstrap
from harness.programs import (
    ROOT, Program, envoy_path, free_port, peer_path, program_path, responds)

HAPROXY = """\
global
    nbthread 1
    maxconn {clients}
    no strict-limits
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout client 300s
    timeout server 300s
    timeout connect 1s
frontend outbound
    bind 127.0.0.1:{port} backlog 4096
    bind 127.0.0.1:{h2c} proto h2
    default_backend reviews
backend reviews
    balance roundrobin
    server v1 127.0.0.1:{v1} weight 95
    server v2 127.0.0.1:{v2} weight 5
"""

# It copies unless it is told to splice where it can.
HAPROXY_TCP = """\
global
    nbthread 1
    maxconn {clients}
    no strict-limits
defaults
    mode tcp
    option splice-auto
    timeout client 300s
    timeout server 300s
    timeout connect 1s
frontend outbound
    bind 127.0.0.1:{port} backlog 4096
    default_backend reviews
backend reviews
    balance roundrobin
    server v1 127.0.0.1:{v1} weight 95
    server v2 127.0.0.1:{v2} weight 5
"""

# Bodies go through as they come, which is what the others do.
NGINX = """\
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections {files}; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_max_body_size 0;
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    upstream reviews {{
        server 127.0.0.1:{v1} weight=95;
        server 127.0.0.1:{v2} weight=5;
        keepalive 256;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{h2c} http2;
        location / {{
            proxy_pass http://reviews;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }}
    }}
}}
"""


@dataclass
class Setting:
    """What a configuration is made from."""

    folder: object
    v1: int
    v2: int
    files: int

    def values(self, **more):
        return {"folder": self.folder, "v1": self.v1, "v2": self.v2, "files": self.files,
                "clients": self.files * 11 // 20, **more}


def split_listener(port):
    routes = bootstrap.route_configuration([bootstrap.to_split({"v1": 95, "v2": 5})])
    return bootstrap.listener(port, bootstrap.manager(routes))


def split_tunnel(port):
    return bootstrap.tcp_listener(port, weights={"v1": 95, "v2": 5})


def sidecar_bootstrap(listener, setting):
    clusters = [bootstrap.cluster("v1", [setting.v1]), bootstrap.cluster("v2", [setting.v2])]
    return bootstrap.static(free_port(), [listener], clusters)


def pointsman(setting, listener=split_listener):
    port, file = free_port(), setting.folder / "pointsman.json"
    file.write_text(json.dumps(sidecar_bootstrap(listener(port), setting)))
    return port, port, [program_path("pointsman-proxy"), "-c", file, "--concurrency", "1"]


def haproxy(setting, configuration=HAPROXY):
    port, h2c, file = free_port(), free_port(), setting.folder / "haproxy.cfg"
    file.write_text(configuration.format(**setting.values(port=port, h2c=h2c)))
    return port, h2c, [peer_path("haproxy"), "-f", file]


def nginx(setting, configuration=NGINX):
    port, h2c, file = free_port(), free_port(), setting.folder / "nginx.conf"
    file.write_text(configuration.format(**setting.values(port=port, h2c=h2c)))
    return port, h2c, [peer_path("nginx"), "-c", file, "-e", setting.folder / "nginx-start.log"]


def nghttpx(setting, security=()):
    port = free_port()
    files = [text for text in security if not str(text).startswith("--")]
    flags = [text for text in security if str(text).startswith("--")]
    frontend = f"--frontend=127.0.0.1,{port}" + ("" if security else ";no-tls")
    return port, port, [
        peer_path("nghttpx"), "--conf=/dev/null", frontend,
        f"--backend=127.0.0.1,{setting.v1};/;weight=95",
        f"--backend=127.0.0.1,{setting.v2};/;weight=5", "--workers=1", "--backlog=4096",
        f"--worker-frontend-connections={setting.files}", f"--rlimit-nofile={setting.files}",
        "--frontend-read-timeout=300s", "--frontend-keep-alive-timeout=300s",
        "--backend-keep-alive-timeout=300s", "--accesslog-file=/dev/null",
        f"--errorlog-file={setting.folder}/nghttpx-error.log",
        f"--pid-file={setting.folder}/nghttpx.pid", *flags, *files]


def envoy(setting, listener=split_listener):
    port, file = free_port(), setting.folder / "envoy.json"
    file.write_text(json.dumps(sidecar_bootstrap(listener(port), setting)))
    return port, port, [envoy_path(), "-c", file, "--concurrency", "1",
                        "--use-dynamic-base-id", "-l", "error"]


def floor(setting):
    """Knows no split: all goes to one upstream. HTTP/2 would have to be spoken by that."""
    port = free_port()
    return port, None, [compiled("Floor/floor.c"), port, setting.v1]


COMMANDS = {"Pointsman": pointsman, "HAProxy": haproxy, "nginx": nginx, "nghttpx": nghttpx,
            "Envoy": envoy, "floor": floor}
# The same without a look at what is forwarded; nghttpx has no such mode, and nginx as Debian's
# package has it only with a module.
TUNNELS = {
    "Pointsman": partial(pointsman, listener=split_tunnel),
    "HAProxy": partial(haproxy, configuration=HAPROXY_TCP),
    "Envoy": partial(envoy, listener=split_tunnel), "floor": floor}


def compiled(name):
    source = ROOT / "Benchmarks" / name
    binary = ROOT / ".build" / source.stem
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        binary.parent.mkdir(exist_ok=True)
        subprocess.run(["gcc", "-O2", "-Wall", "-o", binary, source], check=True)
    return binary


def in_the_clear(port):
    return responds(port, "/")


class Proxy:
    """A running proxy and what the kernel knows of all its processes."""

    def __init__(self, name, setting, core, wrapper=(), commands=COMMANDS, answers=in_the_clear):
        self.name = name
        self.port, self.h2c_port, command = commands[name](setting)
        self.program = Program(
            [peer_path("taskset"), "-c", core, *wrapper, *command], setting.folder / f"{name}.log")
        try:
            self.program.wait_for(lambda: answers(self.port), 90 if wrapper else 20)
        except BaseException:
            self.program.kill()
            raise

    def processes(self):
        return tree(self.program.pid)

    def cpu_nanoseconds(self):
        """Run time of all threads, as the scheduler counts it."""
        total = 0
        for process in self.processes():
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/schedstat") as line:
                    total += int(line.read().split()[0])
        return total

    def resident_bytes(self, kind="VmRSS"):
        """All that is resident, or with `RssAnon` what no file holds as well (proc(5))."""
        total = 0
        for process in self.processes():
            with open(f"/proc/{process}/status") as lines:
                total += sum(int(line.split()[1]) << 10 for line in lines
                             if line.startswith(f"{kind}:"))
        return total

    def descriptors(self):
        return sum(len(os.listdir(f"/proc/{process}/fd")) for process in self.processes())

    def stop(self):
        if self.name == "Envoy":
            # It would drain its connections for minutes.
            self.program.kill()
        else:
            self.program.stop()


def tree(root):
    found = [root]
    for thread in os.listdir(f"/proc/{root}/task"):
        with open(f"/proc/{root}/task/{thread}/children") as children:
            for child in children.read().split():
                found += tree(int(child))
    return found
