"""Do named groups carry over to paraphrases better than groups made by influence rank alone?

    python -m tests.benchmarks.groups [CASES.yaml] [PARAPHRASES]

For every case the strongest named group is found again on held-out paraphrases by the same grouping; beside
it stand groups of the same size, made of the paraphrase's features of largest influence and of largest total
effect. What removing each changes of logit(answer) - logit(foil) is measured beside 99 matched controls.
Prints a line a case, on how many paraphrases each beats all of its controls, and how many strongest groups
carry a name that says what they read or say.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from agent import Desk, open_desk, read_settings
from agent.cases import label_of, settle_case
from agent.state import Case, Supernode
from agent.supernodes import group
from agent.variants import corresponding, paraphrases
from tracer import Contrast, Intervention, TracedStudy

HERE = Path(__file__).parents[1]
NODES = 500
ABLATE = Intervention("ablate")


def described(traced: TracedStudy) -> list[dict[str, Any]]:
    """The pruned graph's features as the agent sees them."""
    return [{**f._asdict(), "role": f.role.value, "label": label_of(f._asdict())} for f in traced.features()]


def grouped(traced: TracedStudy, case: Case) -> list[Supernode]:
    """The named groups of a trace."""
    return group(described(traced), case, traced.study.layers, lambda ids: traced.raised_together(ids, 6))


def beats(contrast: Contrast, members: list[str]) -> tuple[float, bool]:
    """What removing a group changes, and whether no matched random group changes as much."""
    done = contrast.test(members, ABLATE, controls=99, seed=7)
    return done.measured, abs(done.measured) > max(map(abs, done.controls))


def one(desk: Desk, case: dict[str, Any], most: int) -> dict[str, Any]:
    """The figures of one case."""
    study = desk.study(case["text"])
    own = settle_case(study, {"said": case["said"], "foil": case["foil"]})
    groups = grouped(desk.traced(case["text"], own["answer_id"], own["foil_id"], NODES), own)
    best = max(groups, key=lambda g: g["effect"])
    out: dict[str, Any] = {"name": best["name"], "texts": 0, "named": [], "influence": [], "effect": []}
    for variant in paraphrases(case["text"])[:most]:
        there = desk.study(variant.text)
        traced = desk.traced(variant.text, own["answer_id"], own["foil_id"], NODES)
        tokens = list(there.tokens)
        places = corresponding(own["tokens"], tokens, ())
        same = [
            g
            for g in grouped(traced, Case(**{**own, "tokens": tokens}))
            if g["sign"] == best["sign"] and g["position"] == places.get(best["position"])
        ]
        if not same:
            continue
        same.sort(key=lambda g: (g["kind"] != best["kind"], -abs(g["effect"])))
        members, features = same[0]["members"], described(traced)
        size = len(members)
        out["texts"] += 1
        for name in ("influence", "effect"):
            ranked = sorted(features, key=lambda f, by=name: (-abs(f[by]), f["id"]))  # type: ignore[misc]
            out[name].append(beats(traced.contrast, [f["id"] for f in ranked[:size]]))
        out["named"].append(beats(traced.contrast, members))
    return out


def meaningful(name: str) -> bool:
    """Whether a name says what the group reads, says or speaks against, and not only where it lies."""
    return bool(re.match(r"(?:read|say|against) “", name)) and "…" not in name


def main() -> None:
    """Run the cases of the given file, or of tests/cases.yaml."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "cases.yaml"
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    totals: dict[str, list[tuple[float, bool]]] = {"named": [], "influence": [], "effect": []}
    names, won, cases = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(read_settings(data_dir=Path(folder)))
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            found = one(desk, case, most)
            means = {n: sum(m for m, _ in found[n]) / max(1, len(found[n])) for n in totals}
            print(case["id"], found["name"], {n: f"{m:+.2f}" for n, m in means.items()}, flush=True)
            for name in totals:
                totals[name] += found[name]
            names.append(meaningful(found["name"]))
            won += found["texts"] > 0 and means["named"] < means["influence"]
            cases += found["texts"] > 0
        desk.close()
    for name, rows in totals.items():
        mean, held = sum(m for m, _ in rows) / len(rows), sum(b for _, b in rows)
        print(f"{name}: mean change {mean:+.2f}, beats all controls on {held} of {len(rows)} paraphrases")
    print(f"the named group lowers the answer more than by influence: {won} of {cases} cases")
    print(f"strongest groups with a name that says something: {sum(names)} of {len(names)}")


if __name__ == "__main__":
    main()
