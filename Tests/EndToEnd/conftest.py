import resource

import pytest

from harness import bootstrap
from harness.programs import Sidecar, free_port
from harness.upstream import Upstream


# Thousands of idle connections have their other end in this process.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "shipped: measures the programs as they are shipped, so a debug build says nothing")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as running:
        yield running


@pytest.fixture
def start(tmp_path):
    """Starts programs that end with the test, whatever happens."""
    started = []

    def begin(kind, *arguments, **more):
        program = kind(*arguments, **more)
        started.append(program)
        return program

    yield begin
    crashed = [program for program in started if program.crashed]
    for program in reversed(started):
        program.kill()
    assert not crashed, "\n".join(program.obituary() for program in crashed)


@pytest.fixture(scope="module")
def relay(folder, upstream):
    """A sidecar with one listener in front of the recording upstream."""
    port = free_port()
    routes = bootstrap.route_configuration([bootstrap.to_cluster("recorder")])
    # Hundreds of heads come byte by byte at once: on a busy machine that takes its time.
    manager = bootstrap.manager(routes, request_headers_timeout="120s")
    sidecar = Sidecar(folder, bootstrap.static(
        free_port(), [bootstrap.listener(port, manager)],
        [bootstrap.cluster("recorder", [upstream.port])]))
    sidecar.port = port
    yield sidecar
    sidecar.kill()
