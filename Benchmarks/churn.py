"""What it costs to accept a connection, answer one request on it, and close it."""

from generators import Wrk
from results import Figure, Table

FIGURES = [Figure("cpu", "CPU µs per connection", plotted=True),
           Figure("rate", "connections/s", digits=0, more_is_better=True)]


def measure(stage):
    table = Table(
        "churn", "A connection per request", FIGURES,
        "16 clients, each opening a connection for every request. The floor opens another one "
        "upstream for each, where the proxies keep theirs.", compared="cpu")
    running = stage.all_proxies(stage.upstreams(), table)
    generator = Wrk()

    def once(_, proxy):
        before = proxy.cpu_nanoseconds()
        run = generator.churn(proxy.port, stage.settings.seconds)
        used = proxy.cpu_nanoseconds() - before
        return {"cpu": used / run.requests / 1000, "rate": run.requests / run.seconds}

    stage.rounds(running, table, once)
    return [table]
