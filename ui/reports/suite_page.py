"""A suite's report as one HTML page that needs no network, no script and no other file."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ui.base import isolate_quotes
from ui.reports.suite_figures import COLUMNS, format_share, left_out, summarise_suite, test_row, write_notes
from ui.reports.suite_plots import bars, curves, scatter, strips, strongest_of
from ui.reports.templates import fill, style

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
BASELINES = ["brain", "causes claimed", "stand when tested", "share", "tests before claiming"]
HYPOTHESES = ["case", "hypothesis", "verdict", "why", "group"]


def render_page(report: dict[str, Any]) -> str:
    """The whole page."""
    warnings = [f"{len(names)} {what}: {', '.join(names)}." for what, names in left_out(report) if names]
    return fill(
        "suite.html",
        policy=CSP,
        looks=style("suite.css"),
        title=report["title"] or "Suite",
        how=", ".join(f"{name} {value}" for name, value in report["settings"].items() if value is not None),
        facts=summarise_suite(report),
        warnings=warnings + [f"Does not replay: {what}." for what in report["disagreements"]],
        plots=list(_plots(report)),
        baselines=(BASELINES, [_baseline(row) for row in report["brains"]]),
        hypotheses=(HYPOTHESES, [_hypothesis(card) for card in report["cases"] if card["hypothesis"]]),
        cases=[_case(card) for card in report["cases"]],
        notes=write_notes(report),
    )


def _baseline(row: dict[str, Any]) -> list[Any]:
    return [row["brain"], row["claimed"], row["stand"], format_share(row), row["tested"] or "none"]


def _hypothesis(card: dict[str, Any]) -> list[Any]:
    told = card["hypothesis"]
    words = told["text"] or f"{told['group']} {told['expect']} the lead"
    return [card["id"], words, told["verdict"], told["why"], told["supernode"] or "–"]


def _case(card: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a case; one without an answer says why."""
    shown = {"id": card["id"], "text": card["text"], "done": card["done"]}
    if not card["done"]:
        return {**shown, "why": card["failed"] or "not done yet"}
    premise = ", a false premise" if card["premise"] == "false" else ""
    seconds, passes = (card["cost"].get(name, 0) for name in ("seconds", "forward_passes"))
    return {
        **shown,
        "verdicts": Counter(test["verdict"] for test in card["tests"]),
        "said": f"{card['answer']!r} over {card['foil']!r}{premise}",
        "bundle": card["bundle"],
        "bundle_id": card["bundle_id"][:8],
        "cost": f"{seconds:.1f} s, {passes:,} forward passes",
        "hypothesis": card["hypothesis"],
        "sentences": [
            (isolate_quotes(told["text"]), [claim["verdict"] for claim in told["claims"][:3]])
            for told in card["sentences"]
        ],
        "tests": (COLUMNS, [test_row(test) for test in card["tests"]]),
    }


def _plots(report: dict[str, Any]) -> Iterable[tuple[str, str, str]]:
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
    yield (
        "Predicted and measured effect on the lead",
        scatter(told, "predicted, in logits", "measured", report["agreement"]["slope"]),
        "Each mark is a test; on the dashed line a prediction is exact, the full line is the fit.",
    )
    yield ("Verdicts", bars(report["verdicts"].items()), "Of all tests run.")
    yield (
        "Knock-on: groups on later groups",
        scatter(moved, "predicted change of activation", "measured", report["knock_on"]["slope"]),
        "A group is removed, a later one read.",
    )
    yield (
        "Necessity: how the dose counts",
        curves(doses, "what is left of the group's activation", "change of the lead"),
        "The strongest group of each case, scaled by 1 (as it is), 0.5, 0 and −1.",
    )
    yield (
        "The strongest group of each case and its random controls",
        strips(rows),
        "Ticks are matched random groups, the mark is the group itself.",
    )


def _doses(test: dict[str, Any]) -> list[tuple[float, float]]:
    return [(float(dose), change) for dose, change in (test["doses"] or {}).items()]
