"""The figures of a suite's report as words, for the page and for markdown."""

from typing import Any

COLUMNS = ["group", "predicted", "measured", "largest control", "p", "Holm", "Holm, suite", "FDR", "verdict"]


def format_figure(value: float | None, form: str = ".3f") -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form).replace("-", "−")


def summarise_suite(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of the whole suite, by name."""
    agreement, knock, strongest = report["agreement"], report["knock_on"], report["strongest"]
    cost, main = report["cost"], report["main"]
    return [
        ("cases answered", f"{report['done']} of {len(report['cases'])}"),
        ("tests run", str(report["tests_run"])),
        ("Spearman, predicted v measured", format_figure(agreement["spearman"])),
        ("slope", format_figure(agreement["slope"], ".2f")),
        ("sign right", format_figure(agreement["sign"], ".1%")),
        (f"knock-on Spearman ({knock['n']} pairs)", format_figure(knock["spearman"])),
        ("strongest group beats every control", f"{strongest['beat']} of {strongest['of']}"),
        ("main hypotheses that hold, Holm over the suite", f"{main['held']} of {main['of']}"),
        ("false premises", str(report["premises"])),
        ("seconds", f"{cost['seconds']:,.0f}"),
        ("forward passes", f"{cost['forward_passes']:,}"),
        *([("LLM tokens", f"{cost['tokens']:,}")] if cost["tokens"] else []),
    ]


def left_out(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What went wrong or is to come, and of which cases."""
    return [("failed", report["failed"]), ("not done yet (--resume goes on)", report["missing"])]


def format_share(row: dict[str, Any]) -> str:
    """Which share of the claims stands."""
    return f"{row['stand'] / row['claimed']:.0%}" if row["claimed"] else "–"


def test_row(test: dict[str, Any]) -> list[str]:
    """A test as a row of COLUMNS."""
    chances = [f"{test[name]:.3g}" for name in ("p", "p_holm", "p_suite", "q_suite")]
    sizes = [
        format_figure(value, ".2f")
        for value in (test["predicted"], test["measured"], test["controls"]["max_abs"])
    ]
    return [
        f"{test['supernode'] or ''} {test['name']}".strip() or test["id"],
        *sizes,
        *chances,
        test["verdict"],
    ]


def write_notes(report: dict[str, Any]) -> list[str]:
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
