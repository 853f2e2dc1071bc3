"""A suite's report in markdown, without the plots."""

import re
from typing import Any

from ui.base import show_hidden
from ui.reports.suite_figures import format_share, left_out, summarise_suite, test_row, write_notes

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~$&^!])")


def render_markdown(report: dict[str, Any]) -> str:
    """The same report in markdown, without the plots."""
    lines = [f"# {escape_cell(report['title'] or 'Suite')}", ""]
    lines += [f"- {escape_cell(name)}: {escape_cell(value)}" for name, value in summarise_suite(report)]
    lines += [
        f"- {len(names)} {what}: {escape_cell(', '.join(names))}" for what, names in left_out(report) if names
    ]
    lines += [f"- {name}: {count} tests" for name, count in report["verdicts"].items()]
    lines += ["", "## Beside the baselines", "", "| brain | causes claimed | stand when tested | share |"]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| {escape_cell(r['brain'])} | {r['claimed']} | {r['stand']} | {format_share(r)} |"
        for r in report["brains"]
    ]
    told = [(card["id"], card["hypothesis"]) for card in report["cases"] if card["hypothesis"]]
    if told:
        lines += ["", "## Hypotheses", ""]
        lines += [
            f"- {escape_cell(n)}: **{h['verdict']}**, {escape_cell(h['text'])}: {escape_cell(h['why'])}"
            for n, h in told
        ]
    lines += ["", "## Cases"]
    for card in report["cases"]:
        lines += ["", f"### {escape_cell(card['id'])}", "", f"“{escape_cell(card['text'])}”", ""]
        if not card["done"]:
            lines.append(escape_cell(card["failed"] or "not done yet"))
            continue
        lines += [f"- {escape_cell(s['text'])}" for s in card["sentences"]]
        lines += [
            "",
            "| group | predicted | measured | largest control | p | Holm | Holm, suite | FDR | verdict |",
        ]
        lines += ["|---|---|---|---|---|---|---|---|---|"]
        lines += [f"| {' | '.join(escape_cell(cell) for cell in test_row(test))} |" for test in card["tests"]]
        lines += ["", f"[bundle](<{card['bundle']}>)"]
    lines += ["", "## How to read this", "", *write_notes(report)]
    lines += [f"- Does not replay: {escape_cell(what)}" for what in report["disagreements"]]
    return "\n".join(lines) + "\n"


def escape_cell(value: Any) -> str:
    """Anything as markdown that renders as just that text, on one line."""
    return _MARKS.sub(r"\\\1", show_hidden(str(value)).replace("\n", " "))
