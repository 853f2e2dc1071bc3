"""The figures of a suite of real prompts: do predictions hold, do groups beat controls, what does it cost?

    python -m tests.benchmarks.suite [CASES.yaml] [-o FOLDER]     (goes on where FOLDER was left)
    python -m tests.benchmarks.suite --of FOLDER                  (only the figures, without a model)

Beside our prediction stand three trivial ones, each of the same groups: the sum of direct edges into the
answer, of |activation|, and of the weights of all edges out (from the edges a bundle's drawing holds).
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent import (
    Session,
    SuiteRun,
    collect_report,
    open_workspace,
    read_bundle,
    read_settings,
    read_suite,
    run_in_turn,
    suite_results,
)
from agent.core import ANSWER_ID, EffectClaim
from agent.suites.results import measure_agreement

HERE = Path(__file__).parents[1]


def run(cases: Path, folder: Path) -> int:
    """Answer what is missing; how many false premises were caught, each case asked about its foil."""
    settings = read_settings(data_dir=folder / "data")
    suite = SuiteRun(read_suite(cases), folder, settings, baselines=False)
    left = suite.begin(resume=True)
    workspace = open_workspace(settings)
    for done in run_in_turn(suite, left, workspace):
        print(f"{done.case:<14} {done.seconds:5.1f} s  {', '.join(done.verdicts) or done.failed}", flush=True)
    caught = 0
    for case in suite.suite.cases:
        session = Session(workspace, f"premise-{case.id}", planner="text-only")
        report = collect_report(session.ask("", text=case.text, said=case.foil))
        caught += report["question"]["premise"] == "false"
        session.forget()
    workspace.close()
    return caught


def trivial(folder: Path, report: dict[str, Any]) -> Iterator[tuple[float, float, float, float]]:
    """(direct edges, |activation|, out-degree, measured) of every tested removal."""
    for card in report["cases"]:
        if not card["done"]:
            continue
        bundle = read_bundle(folder / card["bundle"])
        activation = {n.id: abs(n.activation or 0.0) for n in bundle.drawing.nodes}
        for claim in bundle.tests:
            if not isinstance(claim, EffectClaim) or not claim.removes:
                continue
            own = set(claim.members)
            out = [e for e in bundle.drawing.edges if e.source in own]
            direct = -sum(e.weight for e in out if e.target == ANSWER_ID)
            yield (
                direct,
                sum(activation.get(m, 0.0) for m in own),
                sum(abs(e.weight) for e in out),
                claim.effect,
            )


def beaten(card: dict[str, Any], kinds: tuple[str, ...], folder: Path) -> bool:
    """Whether a group of these kinds beats every one of its controls."""
    bundle = read_bundle(folder / card["bundle"])
    kind = {group.id: group.kind for group in bundle.report.supernodes}
    return any(
        kind.get(t["supernode"]) in kinds and abs(t["measured"]) > t["controls"]["max_abs"]
        for t in card["tests"]
    )


def figures(folder: Path, caught: int | None) -> None:
    """Print what the suite shows as a whole."""
    report = suite_results(folder)
    cards = [card for card in report["cases"] if card["done"]]
    right = [card for card in cards if card["kind"] != "failure"]
    print(f"\n{len(cards)} of {len(report['cases'])} cases answered, {report['tests_run']} tests")
    for name, fit in (("predicted v measured", report["agreement"]), ("knock-on", report["knock_on"])):
        if fit["spearman"] is not None:
            shown = f"Spearman {fit['spearman']:.3f}, slope {fit['slope']:.2f}, sign {fit['sign']:.1%}"
            print(f"{name}: {shown} (n = {fit['n']})")
    rows = list(trivial(folder, report))
    for i, name in enumerate(("direct edges", "|activation|", "out-degree")):
        sizes = [(abs(row[i]), abs(row[3])) for row in rows]  # the last two have no sign
        signed = measure_agreement([{"predicted": row[i], "measured": row[3]} for row in rows])["spearman"]
        plain = measure_agreement([{"predicted": p, "measured": m} for p, m in sizes])["spearman"]
        with_sign = f", with sign {signed:.3f}" if i == 0 and signed is not None else ""
        print(f"trivial, {name}: Spearman of sizes {plain or 0:.3f}{with_sign}")
    ours = measure_agreement(
        [
            {"predicted": abs(t["predicted"]), "measured": abs(t["measured"])}
            for c in cards
            for t in c["tests"]
        ]
    )
    print(f"ours, of sizes: Spearman {ours['spearman'] or 0:.3f}")
    print(
        f"a group beats every control: {sum(beaten(c, ('say', 'input', 'middle'), folder) for c in right)}",
        end="",
    )
    print(f" of {len(right)} cases that are no failures", end="; ")
    print(f"a group with a role (say, read) does: {sum(beaten(c, ('say', 'input'), folder) for c in right)}")
    if caught is not None:
        print(f"false premises caught: {caught} of {len(report['cases'])}")
    print(f"verdicts: {report['verdicts']}; disagreements on replay: {len(report['disagreements'])}")
    seconds = sorted(card["cost"]["seconds"] for card in cards)
    print(f"seconds a case: median {seconds[len(seconds) // 2]:.1f}")


def main() -> None:
    """Run the cases of the given file, or of tests/cases.yaml."""
    parser = argparse.ArgumentParser(description="figures over a suite of real prompts")
    parser.add_argument("cases", type=Path, nargs="?", default=HERE / "cases.yaml")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--of", type=Path)
    args = parser.parse_args()
    if args.of is not None:
        figures(args.of, None)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = args.out or Path(made)
        figures(folder, run(args.cases, folder))


if __name__ == "__main__":
    main()
