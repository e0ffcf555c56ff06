"""Bytes that a proxy moves for a second of its CPU, in bodies of 1 MiB."""

from results import Figure, Table

SIZE = 1 << 20
CLIENTS = 8
FIGURES = [
    Figure("cost", "MiB per CPU second", digits=0, scale=1 << 20, plotted=True,
           more_is_better=True),
    Figure("rate", "MiB/s", digits=0, scale=1 << 20, more_is_better=True)]


def measure(stage):
    body = stage.folder / "body"
    body.write_bytes(bytes(SIZE))
    return [moved(stage, "download", ("--body", SIZE), None),
            moved(stage, "upload", (), body)]


def moved(stage, way, flags, upload):
    table = Table(f"bodies-{way}", f"Bodies of 1 MiB, {way}", FIGURES,
                  f"{CLIENTS} keep-alive connections, HTTP/1.1, saturated.", compared="cost")
    running = stage.all_proxies(stage.upstreams(*flags), table)

    def once(_, proxy):
        before = proxy.cpu_nanoseconds()
        run = stage.generator.closed(proxy.port, stage.settings.seconds, clients=CLIENTS,
                                     upload=upload)
        used = (proxy.cpu_nanoseconds() - before) / 1e9
        return {"cost": run.requests * SIZE / used, "rate": run.requests * SIZE / run.seconds}

    stage.rounds(running, table, once, max(1, (stage.settings.rounds + 1) // 2))
    return table
