"""Does the certified stop find the pruned graph that expanding every candidate finds, and in how many rows?

    python -m tests.benchmarks.certified [CASES.yaml [CANDIDATES [EPSILON]]]     (default tests/cases.yaml)

One line a case: rows of the full expansion and of the certified one, the bound it proves, and how many nodes
of the two pruned graphs (0.8 / 0.98) are the same (in both, of those in either).
"""

import statistics
import sys
import time
from pathlib import Path

import torch
import yaml

from agent import read_settings
from tracer import Study, load
from tracer.attribution.attribute import CANDIDATES, EPSILON, trace
from tracer.attribution.graph import Graph

HERE = Path(__file__).parents[1]


def kept(graph: Graph) -> set[str]:
    """Ids of the nodes that pruning keeps."""
    return {graph.id_of(i) for i in graph.prune().nodes.nonzero()[:, 0].tolist()}


def main() -> None:
    """Trace every case twice."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "cases.yaml"
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    candidates = int(sys.argv[2]) if len(sys.argv) > 2 else CANDIDATES
    epsilon = float(sys.argv[3]) if len(sys.argv) > 3 else EPSILON
    torch.set_num_threads(2)
    subject = load(cache=read_settings().cache_folder)
    same, share = [], []
    for case in cases:
        study = Study(subject, case["text"], 512)
        answer, foil = (study.token(case[name]).token_id for name in ("said", "foil"))
        target = study.contrast(answer, foil).target
        start = time.process_time()
        some = trace(study.frozen, target, case["id"], candidates=candidates, epsilon=epsilon)
        spent = (time.process_time() - start) / 2
        full = trace(study.frozen, target, case["id"], candidates=candidates, epsilon=0.0)
        mine, theirs = kept(some), kept(full)
        same.append(len(mine & theirs) / len(mine | theirs))
        share.append(some.features / full.features)
        print(
            f"{case['id']:<16} {study.frozen.length:>3} tokens  {some.features:>5} of {full.features} rows "
            f"({share[-1]:.0%})  bound {some.unexplored:.2f}  pruned {len(mine)} v {len(theirs)}, "
            f"{same[-1]:.1%} the same  {spent:.1f} s of two cores",
            flush=True,
        )
    print(
        f"\n{candidates} candidates, epsilon {epsilon}: pruned graphs agree on {statistics.mean(same):.1%} "
        f"of nodes (least {min(same):.1%}) with {statistics.mean(share):.0%} of the rows"
    )


if __name__ == "__main__":
    main()
