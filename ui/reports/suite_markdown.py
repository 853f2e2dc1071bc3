"""A suite's report in markdown, without the plots."""

import re
from typing import Any

from ui.base import visible
from ui.reports.suite_figures import facts, left_out, notes, share, test_row

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~$&^!])")


def markdown(report: dict[str, Any]) -> str:
    """The same report in markdown, without the plots."""
    lines = [f"# {plain(report['title'] or 'Suite')}", ""]
    lines += [f"- {plain(name)}: {plain(value)}" for name, value in facts(report)]
    lines += [
        f"- {len(names)} {what}: {plain(', '.join(names))}" for what, names in left_out(report) if names
    ]
    lines += [f"- {name}: {count} tests" for name, count in report["verdicts"].items()]
    lines += ["", "## Beside the baselines", "", "| brain | causes claimed | stand when tested | share |"]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| {plain(r['brain'])} | {r['claimed']} | {r['stand']} | {share(r)} |" for r in report["brains"]
    ]
    told = [(card["id"], card["hypothesis"]) for card in report["cases"] if card["hypothesis"]]
    if told:
        lines += ["", "## Hypotheses", ""]
        lines += [f"- {plain(n)}: **{h['verdict']}**, {plain(h['text'])}: {plain(h['why'])}" for n, h in told]
    lines += ["", "## Cases"]
    for card in report["cases"]:
        lines += ["", f"### {plain(card['id'])}", "", f"“{plain(card['text'])}”", ""]
        if not card["done"]:
            lines.append(plain(card["failed"] or "not done yet"))
            continue
        lines += [f"- {plain(s['text'])}" for s in card["sentences"]]
        lines += [
            "",
            "| group | predicted | measured | largest control | p | Holm | Holm, suite | FDR | verdict |",
        ]
        lines += ["|---|---|---|---|---|---|---|---|---|"]
        lines += [f"| {' | '.join(plain(cell) for cell in test_row(test))} |" for test in card["tests"]]
        lines += ["", f"[bundle](<{card['bundle']}>)"]
    lines += ["", "## How to read this", "", *notes(report)]
    lines += [f"- Does not replay: {plain(what)}" for what in report["disagreements"]]
    return "\n".join(lines) + "\n"


def plain(value: Any) -> str:
    """Anything as markdown that renders as just that text, on one line."""
    return _MARKS.sub(r"\\\1", visible(str(value)).replace("\n", " "))
