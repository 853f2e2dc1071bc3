"""Every case of a suite through `why`: do predictions hold, do groups beat their controls, what does it cost?

    python -m tests.benchmarks.suite [CASES.yaml]

Prints one line a case and the figures README states: Spearman, slope and sign accuracy of predicted against
measured effects, knock-on effects, cases whose strongest group beats every matched control, seconds a case.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from scipy import stats

from agent import Session, answered, open_desk, read_settings

HERE = Path(__file__).parents[1]


def run(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The report of every case, in order."""
    reports = []
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(read_settings(data_dir=Path(folder)))
        for case in cases:
            start = time.perf_counter()
            session = Session(desk, case["id"])
            report = answered(session.ask("", text=case["text"], said=case["said"], foil=case["foil"]))
            report["wall"] = time.perf_counter() - start
            reports.append(report)
            print(line(case, report), flush=True)
        desk.close()
    return reports


def tests_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims that were tested."""
    return [c for c in report["claims"] if c["p"] is not None]


def strongest_wins(report: dict[str, Any]) -> bool:
    """Whether the group with the largest measured effect beats all of its controls."""
    tests = tests_of(report)
    if not tests:
        return False
    best = max(tests, key=lambda c: abs(c["measured"]))
    return abs(best["measured"]) > best["controls"]["max_abs"]


def line(case: dict[str, Any], report: dict[str, Any]) -> str:
    """One case in a line."""
    verdicts = [c["verdict"] for c in tests_of(report)]
    return (
        f"{case['id']:<14} {report['question']['answer']!r:>14} over {report['question']['foil']!r:<14} "
        f"{len(report['supernodes'])} groups, completeness {report['graph']['completeness']:.2f}, "
        f"beats controls {strongest_wins(report)!s:<5} {report['wall']:5.1f} s  {', '.join(verdicts)}"
    )


def figures(cases: list[dict[str, Any]], reports: list[dict[str, Any]]) -> None:
    """Print what the suite shows as a whole."""
    tests = [c for r in reports for c in tests_of(r)]
    predicted, measured = [c["predicted"] for c in tests], [c["measured"] for c in tests]
    agree = sum((p > 0) == (m > 0) for p, m in zip(predicted, measured, strict=True)) / len(tests)
    knock = [k for c in tests for k in c["knock_on"]]
    fit = stats.linregress(predicted, measured)
    right = [r for c, r in zip(cases, reports, strict=True) if c["kind"] != "failure"]
    print(f"\n{len(reports)} cases answered, {len(tests)} tests")
    print(f"predicted v measured: Spearman {stats.spearmanr(predicted, measured).statistic:.3f}", end=", ")
    print(f"slope {fit.slope:.2f}, sign {agree:.1%}")
    knock_rank = stats.spearmanr([k["predicted"] for k in knock], [k["measured"] for k in knock]).statistic
    print(f"knock-on, {len(knock)} pairs: Spearman {knock_rank:.3f}")
    wins = sum(map(strongest_wins, right))
    print(f"strongest group beats every control: {wins} of {len(right)} non-failure cases")
    print(f"seconds a case: median {stats.scoreatpercentile([r['wall'] for r in reports], 50):.1f}")


def main() -> None:
    """Run the cases of the given file, or of tests/cases.yaml."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "cases.yaml"
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    figures(cases, run(cases))


if __name__ == "__main__":
    main()
