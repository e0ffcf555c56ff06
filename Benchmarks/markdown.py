"""The report as Markdown."""

from results import number, shown


def report(machine, verdicts, tables):
    lines = ["# Pointsman beside others", ""]
    lines += [f"* {key}: {text}" for key, text in machine]
    if any(verdict.found for verdict in verdicts):
        lines += ["", "## Against the goals", "", *goals(verdicts)]
    lines += ["", "## Figures", "",
              "Medians with [lowest–highest]; ratios are taken round by round; spread is the width "
              "of the range as a share of the median."]
    for table in tables:
        lines += ["", *section(table)]
    return "\n".join(lines) + "\n"


def goals(verdicts):
    yield "| figure | goal | here | verdict |"
    yield "| --- | --- | --- | --- |"
    for verdict in filter(lambda verdict: verdict.found, verdicts):
        yield f"| {verdict.goal} | {verdict.wanted} | {verdict.found} | {verdict.word} |"


def section(table):
    yield f"### {table.title}"
    yield ""
    header, rows = cells(table)
    yield "| " + " | ".join(header) + " |"
    yield "| --- |" + " ---: |" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    if table.note:
        yield ""
        yield table.note


def cells(table):
    """The header and the rows, as texts: Markdown and the page show the same."""
    bases = [base for base in table.bases if table.compared and base in table.rows]
    judged = table.compared or table.figures[0].key
    repeated = any(len(row.get(judged, [])) > 1 for row in table.rows.values())
    header = [table.head, *(figure.title for figure in table.figures)]
    header += [f"× {base}" for base in bases] + (["spread"] if repeated else [])
    rows = []
    for name in table.names():
        line = [name]
        for figure in table.figures:
            cell = table.cell(name, figure.key)
            line.append(shown(cell, figure) if cell else "")
        for base in bases:
            ratio = table.ratio(name, base)
            line.append(number(ratio.median, 2) if ratio else "")
        if repeated:
            cell = table.cell(name, judged)
            several = cell and len(cell.samples) > 1
            line.append(f"{cell.spread * 100:.0f}%" if several else "")
        rows.append(line)
    for name, reason in table.absent.items():
        rows.append([name, reason, *[""] * (len(header) - 2)])
    return header, rows
