"""The figures to reach, and what a run says of each: reported, never asserted."""

from dataclasses import dataclass

from results import Cell, number

PEERS = ("HAProxy", "nginx", "nghttpx", "Envoy")


@dataclass
class Verdict:
    goal: str
    wanted: str
    found: str
    word: str  # met | missed | too close to call | not measured


def judge(cell, limit, more=False):
    """By the median; when the range goes across the limit, that is said."""
    met = cell.median >= limit if more else cell.median <= limit
    across = cell.low < limit < cell.high
    return "too close to call" if across else "met" if met else "missed"


class Goals:
    """Looks up what the goals need in the tables that were measured."""

    def __init__(self, tables):
        self.tables = {table.key: table for table in tables}

    def verdicts(self):
        found = [
            self.ratio("relay", "HAProxy", 0.80, "CPU of an HTTP/1.1 request"),
            self.ratio("relay", "HAProxy", 0.70, "CPU of an HTTP/1.1 request"),
            self.ratio("relay", "floor", 1.10, "CPU of an HTTP/1.1 request"),
            self.value("instructions-http1", "count", 8000, "instructions of an HTTP/1.1 request"),
            self.best_latency(),
            self.value("memory", "idle", 8, "idle memory, one worker, MiB", 1 << 20),
            self.value("memory", "served", 600, "bytes of an idle connection"),
            self.routes(),
            self.ratio("bodies-download", "HAProxy", 1.0, "1 MiB downloads per CPU second", True),
            self.ratio("bodies-upload", "HAProxy", 1.0, "1 MiB uploads per CPU second", True),
            self.ratio("h2c", "nghttpx", 0.75, "CPU of an h2c request"),
            self.ratio("h2c", self.cheapest("h2c"), 0.90, "CPU of an h2c request"),
            self.ratio("tunnel-download", "HAProxy", 0.95, "TCP downloads per CPU second", True),
            self.ratio("tunnel-upload", "HAProxy", 0.95, "TCP uploads per CPU second", True),
            self.ratio("tls", self.cheapest("tls"), 1.0, "CPU of a request over mutual TLS"),
            self.ratio("handshakes", "HAProxy", 1.0, "handshakes per CPU second", True, "rate"),
            self.value("tls-idle", "served", 16, "idle mutual TLS connection, KiB", 1 << 10),
            self.pushes(),
        ]
        return found

    def cheapest(self, key):
        """The peer that takes the least CPU for a request."""
        table = self.tables.get(key)
        cells = {name: table.cell(name, "cpu") for name in PEERS} if table else {}
        known = [name for name, cell in cells.items() if cell]
        return min(known, key=lambda name: cells[name].median, default="the best peer")

    def ratio(self, key, base, limit, goal, more=False, figure=None):
        table = self.tables.get(key)
        cell = table.ratio("Pointsman", base, figure) if table else None
        wanted = f"{'≥' if more else '≤'} {limit:.2f} × {base}"
        if not cell:
            return Verdict(goal, wanted, "", "not measured")
        return Verdict(goal, wanted, f"{span(cell, 2)} ×", judge(cell, limit, more))

    def value(self, key, figure, limit, goal, scale=1):
        table = self.tables.get(key)
        cell = table.cell("Pointsman", figure) if table else None
        wanted = f"≤ {limit:,}"
        if not cell:
            return Verdict(goal, wanted, "", "not measured")
        cell = Cell([sample / scale for sample in cell.samples])
        return Verdict(goal, wanted, span(cell, 1 if limit < 100 else 0), judge(cell, limit))

    def best_latency(self):
        goal, wanted = "added p99 at 4,000/s", "≤ the best peer's"
        table = self.tables.get("latency-http1-4000")
        cell = table.cell("Pointsman", "p99") if table else None
        peers = {name: table.cell(name, "p99") for name in PEERS} if table else {}
        peers = {name: found for name, found in peers.items() if found}
        if not cell or not peers:
            return Verdict(goal, wanted, "", "not measured")
        best = min(peers, key=lambda name: peers[name].median)
        overlap = cell.low <= peers[best].high and peers[best].low <= cell.high
        word = "met" if cell.median <= peers[best].median else "missed"
        return Verdict(goal, wanted,
                       f"{span(cell, 0)} µs; {best} {span(peers[best], 0)} µs",
                       "too close to call" if overlap and word == "missed" else word)

    def routes(self):
        goal, wanted = "route match, 10,000 routes : 1", "≤ 2 ×"
        table = self.tables.get("micro")
        few, most = (table.cell(name, "instructions") if table else None
                     for name in ("route matched, 1 route", "route matched, 10,000 routes"))
        if not few or not most:
            return Verdict(goal, wanted, "", "not measured")
        cell = most.over(few)
        return Verdict(goal, wanted, f"{span(cell, 2)} × (instructions)", judge(cell, 2))

    def pushes(self):
        goal, wanted = "pushes of one weight", "0 lost, p99 unchanged within noise"
        table = self.tables.get("pushes")
        if not table:
            return Verdict(goal, wanted, "", "not measured")
        cells = {phase: table.cell(phase, "p99") for phase in ("before", "during", "after")}
        if not all(cells.values()):
            return Verdict(goal, wanted, "", "not measured")
        lost = table.totals["lost"]
        quiet = [cells["before"], cells["after"]]
        most, during = max(cell.high for cell in quiet), cells["during"]
        word = ("missed" if lost else "met" if during.median <= most
                else "too close to call" if during.low <= most else "missed")
        return Verdict(goal, wanted, f"{lost:,} lost; added p99 " + ", ".join(
            f"{phase} {span(cell, 0)}" for phase, cell in cells.items()) + " µs",
            word)


def span(cell, digits):
    middle, low, high = (number(value, digits) for value in (cell.median, cell.low, cell.high))
    return middle if low == high else f"{middle} [{low}–{high}]"
