"""Samples by proxy and figure, with the round that each belongs to."""

import statistics
from dataclasses import dataclass, field

ORDER = ["direct", "Pointsman", "HAProxy", "nginx", "nghttpx", "Envoy", "floor"]


@dataclass(frozen=True)
class Figure:
    """One column: `digits` after the point; `scale` divides what was measured."""

    key: str
    title: str
    digits: int = 1
    scale: float = 1
    plotted: bool = False
    more_is_better: bool = False


class Cell:
    """The samples of one figure of one proxy, one a round."""

    def __init__(self, samples):
        self.samples = list(samples)
        self.median = statistics.median(self.samples)
        self.low, self.high = min(self.samples), max(self.samples)

    def over(self, other):
        """The ratio round by round, so that what both suffered falls out."""
        return Cell([mine / theirs for mine, theirs in zip(self.samples, other.samples) if theirs]
                    or [0.0])

    @property
    def spread(self):
        """The width of the range, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


@dataclass
class Table:
    """`bases` are the rows that others are compared with, by the figure `compared`."""

    key: str
    title: str
    figures: list
    note: str = ""
    compared: str = ""
    bases: tuple = ("HAProxy", "floor")
    head: str = "proxy"
    rows: dict = field(default_factory=dict)
    totals: dict = field(default_factory=dict)  # of the whole part, by name
    absent: dict = field(default_factory=dict)

    def add(self, row, **values):
        """One sample of each figure named."""
        for key, value in values.items():
            self.rows.setdefault(row, {}).setdefault(key, []).append(value)

    def skip(self, row, reason):
        self.absent[row] = reason

    def names(self):
        """The rows in the order that all tables have, whoever was measured first."""
        known = [name for name in ORDER if name in self.rows]
        return known + [name for name in self.rows if name not in known]

    def cell(self, row, key):
        samples = self.rows.get(row, {}).get(key)
        return Cell(samples) if samples else None

    def ratio(self, row, base, figure=None):
        figure = figure or self.compared
        mine, theirs = self.cell(row, figure), self.cell(base, figure)
        return mine.over(theirs) if mine and theirs else None

    def document(self):
        return {"title": self.title, "rows": self.rows, "totals": self.totals,
                "absent": self.absent,
                "figures": {figure.key: figure.title for figure in self.figures}}


def number(value, digits):
    return f"{value:,.{digits}f}"


def shown(cell, figure):
    """The median, and the range when there is one."""
    middle = number(cell.median / figure.scale, figure.digits)
    low, high = (number(end / figure.scale, figure.digits) for end in (cell.low, cell.high))
    return middle if low == high else f"{middle} [{low}–{high}]"
