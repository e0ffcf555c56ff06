"""The report as one HTML page that needs nothing else."""

import re
from html import escape

import plots
from markdown import cells

STYLE = """\
:root{color-scheme:light dark;--line:#d9dee4;--faint:#616e7c;--here:#e6f4f6}
@media(prefers-color-scheme:dark){:root{--line:#3a434d;--faint:#9aa5b1;--here:#12353b}}
body{font:15px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.3rem}h2{margin-top:2.5rem}h3{margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;color:var(--faint)}
dt{font-weight:600}dd{margin:0}.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.8rem 0}
th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:right}
td{white-space:nowrap;font-size:14px}td[colspan]{text-align:left;color:var(--faint)}th{vertical-align:bottom;font-size:13px}
th:first-child,td:first-child{text-align:left}
.goals td,.goals th{text-align:left;white-space:normal}
tr.here{background:var(--here)}.met{color:#2b8a3e}.missed{color:#c92a2a}.unsure{color:#b08900}
p.note{color:var(--faint);max-width:46rem}svg{max-width:46rem;width:100%;height:auto}"""


def report(machine, verdicts, tables):
    body = ["<h1>Pointsman beside others</h1><dl>"]
    body += [f"<dt>{escape(key)}</dt><dd>{inline(text)}</dd>" for key, text in machine]
    body.append("</dl>")
    judged = [verdict for verdict in verdicts if verdict.found]
    if judged:
        body += ['<h2>Against the goals</h2><div class="wide"><table class="goals">',
                 row(["figure", "goal", "here", "verdict"], "th")]
        for verdict in judged:
            word = {"met": "met", "missed": "missed"}.get(verdict.word, "unsure")
            body.append(f"<tr><td>{escape(verdict.goal)}</td><td>{escape(verdict.wanted)}</td>"
                        f"<td>{escape(verdict.found)}</td>"
                        f'<td class="{word}">{escape(verdict.word)}</td></tr>')
        body.append("</table></div>")
    body.append("<h2>Figures</h2><p class=note>Medians with [lowest–highest]; whiskers span the "
                "same range. Ratios are taken round by round; spread is the width of the range as "
                "a share of the median.</p>")
    for table in tables:
        body += section(table)
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Pointsman beside '
            f'others</title><meta name="viewport" content="width=device-width">'
            f"<style>{STYLE}</style><body>{''.join(body)}</body></html>\n")


def section(table):
    yield f"<h3>{escape(table.title)}</h3>"
    yield from plots.of(table).values()
    header, rows = cells(table)
    yield '<div class="wide"><table>' + row(header, "th")
    for line in rows:
        here = ' class="here"' if line[0] == "Pointsman" else ""
        if line[0] in table.absent:
            yield (f"<tr{here}><td>{escape(line[0])}</td>"
                   f'<td colspan="{len(header) - 1}">{escape(line[1])}</td></tr>')
        else:
            yield row(line, "td", here)
    yield "</table></div>"
    for paragraph in filter(None, table.note.split("\n\n")):
        yield f'<p class="note">{inline(paragraph)}</p>'


def row(texts, kind, attributes=""):
    return f"<tr{attributes}>" + "".join(
        f"<{kind}>{escape(text)}</{kind}>" for text in texts) + "</tr>"


def inline(text):
    """The little Markdown that notes hold."""
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    return re.sub(r"(?m)^\* (.*)$", r"\1<br>", text)
