"""Bars with ranges, and percentiles on a line, as SVG that needs nothing else."""

import math
from html import escape

from results import number

COLOURS = {"Pointsman": "#0b7285", "HAProxy": "#6b7280", "nginx": "#8a93a0",
           "nghttpx": "#a3abb6", "Envoy": "#bac1ca", "floor": "#c9a227", "direct": "#c9a227"}
STYLE = """\
text{font:13px system-ui,sans-serif;fill:#1f2933}.t{font-weight:600;font-size:14px}
.s{fill:#616e7c;font-size:12px}.g{stroke:#e1e5ea}.w{stroke:#1f2933;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.s{fill:#9aa5b1}.g{stroke:#3a434d}
.w{stroke:#e4e7eb}}"""
WIDTH, LEFT, RIGHT, TOP, ROW = 760, 110, 190, 52, 30


def bars(table, figure):
    """One bar a row to the median, with a whisker from the lowest to the highest."""
    rows = [(name, table.cell(name, figure.key)) for name in table.names()]
    rows = [(name, cell) for name, cell in rows if cell]
    if not rows:
        return ""
    scale = Scale([cell.high / figure.scale for _, cell in rows]
                  + [cell.low / figure.scale for _, cell in rows])
    parts = [*scale.grid(len(rows))]
    for line, (name, cell) in enumerate(rows):
        y = TOP + line * ROW
        zero, end = scale.at(0), scale.at(cell.median / figure.scale)
        parts.append(label(name, y))
        parts.append(f'<rect x="{min(zero, end):.1f}" y="{y + 5}" rx="2" '
                     f'width="{max(1, abs(end - zero)):.1f}" height="{ROW - 10}" '
                     f'fill="{colour(name)}"/>')
        if cell.low != cell.high:
            low, high = (scale.at(value / figure.scale) for value in (cell.low, cell.high))
            parts.append(f'<path class="w" d="M{low:.1f} {y + ROW / 2}H{high:.1f}M{low:.1f} '
                         f'{y + 10}v10M{high:.1f} {y + 10}v10"/>')
        parts.append(text_after(scale.end, y, number(cell.median / figure.scale, figure.digits)))
    better = "more is better" if figure.more_is_better else "less is better"
    return drawn(f"{table.title}: {figure.title}", better, len(rows), parts)


def percentiles(table):
    """p50, p99 and p99.9 of each row as dots on a line."""
    figures = [figure for figure in table.figures if figure.key in ("p50", "p99", "p999")]
    rows = {name: [table.cell(name, figure.key) for figure in figures] for name in table.names()}
    rows = {name: [cell for cell in cells if cell] for name, cells in rows.items()}
    # What the others are added to is another quantity, and would make them small.
    rows = {name: cells for name, cells in rows.items() if cells and name != "direct"}
    if not rows:
        return ""
    scale = Scale([cell.median for cells in rows.values() for cell in cells])
    parts = [*scale.grid(len(rows))]
    for line, (name, cells) in enumerate(rows.items()):
        y = TOP + line * ROW + ROW / 2
        places = [scale.at(cell.median) for cell in cells]
        parts.append(label(name, y - ROW / 2))
        parts.append(f'<path d="M{min(places):.1f} {y}H{max(places):.1f}" '
                     f'stroke="{colour(name)}" stroke-width="3"/>')
        for place, radius in zip(places, (4, 5.5, 7)):
            parts.append(f'<circle cx="{place:.1f}" cy="{y}" r="{radius}" '
                         f'fill="{colour(name)}"/>')
        parts.append(text_after(scale.end, y - ROW / 2,
                                " · ".join(number(cell.median, 0) for cell in cells)))
    names = " · ".join(figure.title.replace(" µs", "") for figure in figures)
    return drawn(f"{table.title}: latency in µs", f"{names}, small to large dots", len(rows),
                 parts)


class Scale:
    """Values on the horizontal axis; zero is always on it."""

    def __init__(self, values):
        self.low, self.high = min(0, *values), max(0, *values) or 1
        self.end = WIDTH - RIGHT

    def at(self, value):
        return LEFT + (value - self.low) / (self.high - self.low) * (self.end - LEFT)

    def grid(self, rows):
        span = self.high - self.low
        step = 10 ** math.floor(math.log10(span))
        step = next(step * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5)
                    if span / (step * factor) <= 6)
        digits = max(0, -math.floor(math.log10(step)))
        tick = math.ceil(self.low / step) * step
        while tick <= self.high:
            x = self.at(tick)
            yield f'<path class="g" d="M{x:.1f} {TOP - 4}V{TOP + rows * ROW}"/>'
            yield (f'<text class="s" x="{x:.1f}" y="{TOP + rows * ROW + 16}" '
                   f'text-anchor="middle">{number(tick, digits)}</text>')
            tick += step


def colour(name):
    return COLOURS.get(name, "#6b7280")


def label(name, y):
    return (f'<text x="{LEFT - 8}" y="{y + ROW / 2 + 4:.0f}" text-anchor="end"'
            f'{" class=" + chr(34) + "t" + chr(34) if name == "Pointsman" else ""}>'
            f'{escape(name)}</text>')


def text_after(x, y, value):
    return f'<text x="{x + 12:.0f}" y="{y + ROW / 2 + 4:.0f}">{escape(value)}</text>'


def drawn(title, subtitle, rows, parts):
    height = TOP + rows * ROW + 26
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'role="img" aria-label="{escape(title)}"><style>{STYLE}</style>'
            f'<text class="t" x="8" y="18">{escape(title)}</text>'
            f'<text class="s" x="8" y="36">{escape(subtitle)}</text>{"".join(parts)}</svg>\n')


def of(table):
    """All plots of a table, with a name for each."""
    found = {}
    if table.key.startswith("latency"):
        found[table.key] = percentiles(table)
        return {name: svg for name, svg in found.items() if svg}
    for figure in table.figures:
        if figure.plotted:
            found[f"{table.key}-{figure.key}"] = bars(table, figure)
    return {name: svg for name, svg in found.items() if svg}
