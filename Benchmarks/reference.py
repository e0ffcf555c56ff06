"""The one result that is kept: the tables in this folder's page, between two marks."""

import markdown
from harness.programs import ROOT
from stage import say

PAGE = ROOT / "Benchmarks/README.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->\n"


def write(information, verdicts, tables):
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [*(f"* {key}: {text}" for key, text in information), "", *markdown.goals(verdicts)]
    for table in tables:
        lines += ["", *markdown.section(table)]
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + after)
    say(f"written into {PAGE}")
