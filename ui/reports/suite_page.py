"""A suite's report as one HTML page that needs no network, no script and no other file; and as markdown."""

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Any

from ui.base import isolated, visible
from ui.reports.suite_plots import bars, curves, scatter, strips, strongest_of

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
COLUMNS = ["group", "predicted", "measured", "largest control", "p", "Holm", "Holm, suite", "FDR", "verdict"]
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~$&^!])")


def page(report: dict[str, Any]) -> str:
    """The whole page."""
    style = (files("ui") / "reports" / "suite.css").read_text(encoding="utf-8")
    title = text(report["title"] or "Suite")
    body = "".join(
        [
            f"<header><h1>{title}</h1>{_summary(report)}</header>",
            _warnings(report),
            f'<section class="plots">{"".join(_plots(report))}</section>',
            _brains(report),
            _hypotheses(report),
            "<section><h2>Cases</h2>",
            *map(_card, report["cases"]),
            "</section>",
            f"<footer>{_how(report)}</footer>",
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="no-referrer"><title>{title}</title><style>{style}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def text(value: Any) -> str:
    """Anything as text of the page."""
    return escape(visible(str(value)))


def figure(value: float | None, form: str = ".3f") -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form).replace("-", "−")


def chip(verdict: str, count: int = 1) -> str:
    """A verdict as a label; how often it was reached, where more than once."""
    many = f"{count} " if count > 1 else ""
    return f'<span class="chip {text(verdict)}">{many}{text(verdict)}</span>'


def facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of the whole suite, by name."""
    agreement, knock, strongest = report["agreement"], report["knock_on"], report["strongest"]
    cost, main = report["cost"], report["main"]
    return [
        ("cases answered", f"{report['done']} of {len(report['cases'])}"),
        ("tests run", str(report["tests_run"])),
        ("Spearman, predicted v measured", figure(agreement["spearman"])),
        ("slope", figure(agreement["slope"], ".2f")),
        ("sign right", figure(agreement["sign"], ".1%")),
        (f"knock-on Spearman ({knock['n']} pairs)", figure(knock["spearman"])),
        ("strongest group beats every control", f"{strongest['beat']} of {strongest['of']}"),
        ("main hypotheses that hold, Holm over the suite", f"{main['held']} of {main['of']}"),
        ("false premises", str(report["premises"])),
        ("seconds", f"{cost['seconds']:,.0f}"),
        ("forward passes", f"{cost['forward_passes']:,}"),
        *([("LLM tokens", f"{cost['tokens']:,}")] if cost["tokens"] else []),
    ]


def _summary(report: dict[str, Any]) -> str:
    how = ", ".join(f"{name} {value}" for name, value in report["settings"].items() if value is not None)
    tiles = "".join(f"<div><b>{text(value)}</b>{text(name)}</div>" for name, value in facts(report))
    return f'<p class="how">{text(how)}</p><div class="tiles">{tiles}</div>'


def _warnings(report: dict[str, Any]) -> str:
    lines = [f"{len(names)} {what}: {', '.join(names)}." for what, names in _left(report) if names]
    lines += [f"Does not replay: {what}." for what in report["disagreements"]]
    items = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f'<section class="warning"><ul>{items}</ul></section>' if items else ""


def _left(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [("failed", report["failed"]), ("not done yet (--resume goes on)", report["missing"])]


def _plots(report: dict[str, Any]) -> Iterable[str]:
    cards = [card for card in report["cases"] if card["done"]]
    tests = [(card, test) for card in cards for test in card["tests"]]
    best = [(card, top) for card in cards if (top := strongest_of(card)) is not None]
    told = [
        (t["predicted"], t["measured"], t["verdict"], f"{c['id']} {t['supernode'] or ''}") for c, t in tests
    ]
    moved = [
        (k["predicted"], k["measured"], "knock", f"{c['id']} {t['supernode']} on {k['supernode']}")
        for c, t in tests
        for k in t["knock_on"]
    ]
    doses = [
        (f"{c['id']} {t['supernode'] or ''}", t["verdict"], sorted([(1.0, 0.0), *_doses(t)]))
        for c, t in best
        if t["doses"]
    ]
    rows = [(c["id"], t["verdict"], t["measured"], t["controls"]["values"]) for c, t in best]
    yield _figure(
        "Predicted and measured effect on the lead",
        scatter(told, "predicted, in logits", "measured", report["agreement"]["slope"]),
        "Each mark is a test; on the dashed line a prediction is exact, the full line is the fit.",
    )
    yield _figure("Verdicts", bars(report["verdicts"].items()), "Of all tests run.")
    yield _figure(
        "Knock-on: groups on later groups",
        scatter(moved, "predicted change of activation", "measured", report["knock_on"]["slope"]),
        "A group is removed, a later one read.",
    )
    yield _figure(
        "Necessity: how the dose counts",
        curves(doses, "what is left of the group's activation", "change of the lead"),
        "The strongest group of each case, scaled by 1 (as it is), 0.5, 0 and −1.",
    )
    yield _figure(
        "The strongest group of each case and its random controls",
        strips(rows),
        "Ticks are matched random groups, the mark is the group itself.",
    )


def _doses(test: dict[str, Any]) -> list[tuple[float, float]]:
    return [(float(dose), change) for dose, change in (test["doses"] or {}).items()]


def _figure(title: str, drawn: str, note: str) -> str:
    return f"<figure><h3>{text(title)}</h3>{drawn}<figcaption>{text(note)}</figcaption></figure>"


def _brains(report: dict[str, Any]) -> str:
    rows = [
        [row["brain"], row["claimed"], row["stand"], share(row), row["tested"] or "none"]
        for row in report["brains"]
    ]
    names = ["brain", "causes claimed", "stand when tested", "share", "tests before claiming"]
    note = (
        "A claim stands when its own test is supported or partly so. The baselines run no experiment; theirs "
        "were run afterwards, to score them: a feature is removed, or the strongest neurons at a word."
    )
    return f"<section><h2>Beside the baselines</h2>{table(names, rows)}<p>{text(note)}</p></section>"


def share(row: dict[str, Any]) -> str:
    """Which share of the claims stands."""
    return f"{row['stand'] / row['claimed']:.0%}" if row["claimed"] else "–"


def _hypotheses(report: dict[str, Any]) -> str:
    told = [(card["id"], card["hypothesis"]) for card in report["cases"] if card["hypothesis"]]
    if not told:
        return ""
    rows = [
        [
            name,
            h["text"] or f"{h['group']} {h['expect']} the lead",
            h["verdict"],
            h["why"],
            h["supernode"] or "–",
        ]
        for name, h in told
    ]
    names = ["case", "hypothesis", "verdict", "why", "group"]
    return f"<section><h2>Hypotheses</h2>{table(names, rows)}</section>"


def table(names: list[str], rows: list[list[Any]]) -> str:
    """Plain rows; a verdict is shown as a label."""
    head = "".join(f"<th>{text(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{_cell(name, value)}</td>" for name, value in zip(names, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(name: str, value: Any) -> str:
    return chip(str(value)) if name == "verdict" else text(value)


def _card(card: dict[str, Any]) -> str:
    name = f"<summary><b>{text(card['id'])}</b> <q>{text(card['text'])}</q>"
    if not card["done"]:
        why = card["failed"] or "not done yet"
        return f'<details class="card">{name} {chip("failed")}</summary><p>{text(why)}</p></details>'
    verdicts = "".join(chip(*each) for each in Counter(test["verdict"] for test in card["tests"]).items())
    said = f"{card['answer']!r} over {card['foil']!r}" + (
        ", a false premise" if card["premise"] == "false" else ""
    )
    sentences = "".join(
        f"<li>{isolated(text(s['text']))} {''.join(chip(c['verdict']) for c in s['claims'][:3])}</li>"
        for s in card["sentences"]
    )
    hypothesis = card["hypothesis"]
    judged = ""
    if hypothesis:
        judged = f"<p>{chip(hypothesis['verdict'])} {text(hypothesis['text'])}: {text(hypothesis['why'])}</p>"
    link = f'<a href="{text(card["bundle"])}">bundle {text(card["bundle_id"][:8])}</a>'
    cost = f"{card['cost'].get('seconds', 0):.1f} s, {card['cost'].get('forward_passes', 0):,} forward passes"
    tests = table(COLUMNS, [_row(test) for test in card["tests"]]) if card["tests"] else ""
    return (
        f'<details class="card">{name} {verdicts}</summary><p>{text(said)} · {link} · {text(cost)}</p>'
        f"{judged}<ul>{sentences}</ul>{tests}</details>"
    )


def _row(test: dict[str, Any]) -> list[Any]:
    chances = [f"{test[name]:.3g}" for name in ("p", "p_holm", "p_suite", "q_suite")]
    sizes = [
        figure(value, ".2f") for value in (test["predicted"], test["measured"], test["controls"]["max_abs"])
    ]
    return [
        f"{test['supernode'] or ''} {test['name']}".strip() or test["id"],
        *sizes,
        *chances,
        test["verdict"],
    ]


def _how(report: dict[str, Any]) -> str:
    return "".join(f"<p>{text(line)}</p>" for line in notes(report))


def notes(report: dict[str, Any]) -> list[str]:
    """How the figures are to be read."""
    least, n = report["smallest_p"], report["tests_run"]
    out = [
        f"{n} tests were run. p is the share of matched random groups with as large an effect. Holm is over "
        "the tests of one question; “Holm, suite” is over all tests of the suite; FDR is after Benjamini and "
        "Hochberg."
    ]
    if n and least * n > 0.05:
        out.append(
            f"With this many controls the smallest p is {least:.2g}, so Holm over {n} tests can support "
            f"none: it would take {20 * n} controls a test or more (ASKCIRCUIT_CONTROLS). The FDR has no "
            "such limit."
        )
    main = report["main"]
    out.append(
        "The main hypothesis of a case is the first that was registered, before any test. Where it beats all "
        "its controls, ten times as many are drawn (the smallest p still needs all of them beaten), so that "
        f"Holm over the {main['of']} main hypotheses alone can support them: {main['held']} hold."
    )
    out.append("Every bundle replays without a model: askcircuit replay FOLDER.")
    return out


def markdown(report: dict[str, Any]) -> str:
    """The same report in markdown, without the plots."""
    lines = [f"# {plain(report['title'] or 'Suite')}", ""]
    lines += [f"- {plain(name)}: {plain(value)}" for name, value in facts(report)]
    lines += [f"- {len(names)} {what}: {plain(', '.join(names))}" for what, names in _left(report) if names]
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
        lines += [f"| {' | '.join(plain(cell) for cell in _row(test))} |" for test in card["tests"]]
        lines += ["", f"[bundle](<{card['bundle']}>)"]
    lines += ["", "## How to read this", "", *notes(report)]
    lines += [f"- Does not replay: {plain(what)}" for what in report["disagreements"]]
    return "\n".join(lines) + "\n"


def plain(value: Any) -> str:
    """Anything as markdown that renders as just that text, on one line."""
    return _MARKS.sub(r"\\\1", visible(str(value)).replace("\n", " "))
