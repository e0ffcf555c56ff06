"""Bytes that a proxy moves for a second of its CPU, in bodies of 1 MiB."""

from results import Figure, Table

SIZE = 1 << 20
CLIENTS = 8
FIGURES = [
    Figure("cost", "MiB per CPU second", digits=0, scale=1 << 20, plotted=True,
           more_is_better=True),
    Figure("rate", "MiB/s", digits=0, scale=1 << 20, more_is_better=True)]


def measure(stage):
    return both_ways(stage, "bodies", "Bodies of 1 MiB",
                     f"{CLIENTS} keep-alive connections, HTTP/1.1, saturated.")


def both_ways(stage, key, title, note, rounds=None, **proxies):
    body = stage.folder / "body"
    body.write_bytes(bytes(SIZE))
    rounds = rounds or max(1, (stage.settings.rounds + 1) // 2)
    tables = []
    for way, flags, upload in (("download", ("--body", SIZE), None), ("upload", (), body)):
        table = Table(f"{key}-{way}", f"{title}, {way}", FIGURES, note, compared="cost")
        running = stage.all_proxies(stage.upstreams(*flags), table, **proxies)
        stage.rounds(running, table, moved(stage, upload), rounds)
        tables.append(table)
    return tables


def moved(stage, upload):
    def once(_, proxy):
        before = proxy.cpu_nanoseconds()
        run = stage.generator.closed(proxy.port, stage.settings.seconds, clients=CLIENTS,
                                     upload=upload)
        used = (proxy.cpu_nanoseconds() - before) / 1e9
        return {"cost": run.requests * SIZE / used, "rate": run.requests * SIZE / run.seconds}

    return once
