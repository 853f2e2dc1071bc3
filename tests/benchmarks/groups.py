"""Do named groups carry over to held-out paraphrases better than groups made by influence rank alone?

    python -m tests.benchmarks.groups [CASES.yaml] [-o LINES.jsonl] [--texts 2] [--cases N]

Of every case the strongest named group for the answer is taken to paraphrases, beside as many features of
largest influence: *carried*, the same features at the corresponding words; and *again*, the group that the
same grouping finds there, beside the paraphrase's own features of largest influence. What removing each does
to logit(answer) - logit(foil) is measured beside 99 matched controls; below 0 it carried the answer.
LINES.jsonl keeps a line a case; a run goes on where it was left (at most N cases now). Prints both numbers.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from agent import Workspace, open_workspace, read_settings
from agent.core.state import Case, Supernode
from agent.evidence.contrast import choose_label, settle_case
from agent.evidence.supernodes import group_features
from agent.experiments.counterfactual_texts import map_positions, write_paraphrases
from tracer import Contrast, Intervention, Study, TracedStudy

HERE = Path(__file__).parents[1]
NODES = 500
WAYS = ("carried", "again")
SORTS = ("named", "influence")


def described(traced: TracedStudy) -> list[dict[str, Any]]:
    """The pruned graph's features as the agent sees them."""
    return [
        {**f._asdict(), "role": f.role.value, "label": choose_label(f._asdict())} for f in traced.features()
    ]


def grouped(traced: TracedStudy, features: Sequence[dict[str, Any]], case: Case) -> list[Supernode]:
    """The named groups of a trace."""
    return group_features(features, case, traced.study.layers, lambda ids: traced.raised_together(ids, 6))


def by_influence(features: Sequence[dict[str, Any]], size: int) -> list[str]:
    """The features of largest influence."""
    return [f["id"] for f in sorted(features, key=lambda f: (-f["influence"], f["id"]))[:size]]


def moved(members: Sequence[str], here: Study, there: Study, places: dict[int, int]) -> list[str]:
    """The same features at the corresponding words of another text."""
    columns = (column.tolist() for column in here.units(members))
    triples = zip(*columns, strict=True)
    return [there.name_unit(layer, places[p], feature) for layer, p, feature in triples if p in places]


def tested(contrast: Contrast, members: list[str]) -> dict[str, Any]:
    """What removing a group changes, its size, and whether no matched random group changes as much."""
    if not members:
        return {"moved": 0.0, "size": 0, "beats": False}
    done = contrast.test(members, Intervention("ablate"), controls=99, seed=7)
    beats = abs(done.measured) > max(map(abs, done.controls))
    return {"moved": done.measured, "size": len(members), "beats": beats}


def one(workspace: Workspace, case: dict[str, Any], most: int) -> dict[str, Any]:
    """The figures of one case."""
    study = workspace.study(case["text"])
    own = settle_case(study, {"said": case["said"], "foil": case["foil"]})
    traced = workspace.traced(case["text"], own["answer_id"], own["foil_id"], NODES)
    features = described(traced)
    groups = grouped(traced, features, own)
    again = grouped(traced, described(traced), own)
    best = max(groups, key=lambda g: g["effect"])
    ranked = by_influence(features, len(best["members"]))
    out: dict[str, Any] = {"id": case["id"], "name": best["name"], "same": groups == again, "rows": []}
    for variant in write_paraphrases(case["text"])[:most]:
        there = workspace.study(variant.text)
        trace = workspace.traced(variant.text, own["answer_id"], own["foil_id"], NODES)
        tokens, found = list(there.tokens), described(trace)
        places = map_positions(own["tokens"], tokens, ())
        same = [
            g
            for g in grouped(trace, found, Case(**{**own, "tokens": tokens}))
            if g["sign"] == best["sign"] and g["position"] == places.get(best["position"])
        ]
        same.sort(key=lambda g: (g["kind"] != best["kind"], -abs(g["effect"])))
        members = same[0]["members"] if same else []
        row = {
            "text": variant.text,
            "value": trace.contrast.value,
            "carried named": tested(trace.contrast, moved(best["members"], study, there, places)),
            "carried influence": tested(trace.contrast, moved(ranked, study, there, places)),
            "again named": tested(trace.contrast, members),
            "again influence": tested(trace.contrast, by_influence(found, len(members) or len(ranked))),
        }
        out["rows"].append(row)
    return out


def meaningful(name: str) -> bool:
    """Whether a name says what the group reads, says or speaks against, and not only where it lies."""
    return bool(re.match(r"(?:read|say|against) “", name)) and "…" not in name


def figures(lines: Sequence[dict[str, Any]]) -> None:
    """Print what all cases show."""
    texts = [row for line in lines for row in line["rows"]]
    print(f"\n{len(lines)} cases, {len(texts)} paraphrases")
    for way in WAYS:
        for sort in SORTS:
            rows = [row[f"{way} {sort}"] for row in texts]
            mean = sum(r["moved"] for r in rows) / len(rows)
            beats, lowers = sum(r["beats"] for r in rows), sum(r["beats"] and r["moved"] < 0 for r in rows)
            print(
                f"{way}, {sort}: mean change {mean:+.2f}; beats all controls on {beats} of {len(rows)}, "
                f"lowering the answer on {lowers}"
            )
        pairs = [(row[f"{way} named"]["moved"], row[f"{way} influence"]["moved"]) for row in texts]
        print(
            f"{way}: the named group lowers the answer more on {sum(a < b for a, b in pairs)} of {len(pairs)}"
        )
    print(f"grouped again, the same groups: {sum(line['same'] for line in lines)} of {len(lines)} cases")
    names = sum(meaningful(line["name"]) for line in lines)
    print(f"strongest groups with a name that says something: {names} of {len(lines)}")


def main() -> None:
    """Run the cases of the given file, or of tests/cases.yaml."""
    parser = argparse.ArgumentParser(description="named groups beside groups by influence rank")
    parser.add_argument("cases", type=Path, nargs="?", default=HERE / "cases.yaml")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--texts", type=int, default=2)
    parser.add_argument("--cases", type=int, dest="now", default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.out or Path(folder) / "lines.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        known = {line["id"] for line in lines}
        left = [case for case in yaml.safe_load(args.cases.read_text("utf-8")) if case["id"] not in known]
        workspace = open_workspace(read_settings(data_dir=Path(folder)))
        for case in left[: args.now]:
            lines.append(one(workspace, case, args.texts))
            with path.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
            print(case["id"], lines[-1]["name"], len(lines[-1]["rows"]), flush=True)
        workspace.close()
    figures(lines)


if __name__ == "__main__":
    main()
