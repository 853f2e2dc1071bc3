"""Generated inputs by the thousand: `python -m tests.benchmarks.fuzz --count 10000 --seed 1`.

Prints a table of kinds and outcomes; exit code 1 where one is not as it must be. `--kind K --batch B` makes
one batch again, with the same seed the same inputs.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LANGSMITH_TRACING", "false")

sys.path.insert(0, str(Path(__file__).parents[2]))  # what tests share is imported as pytest has it
BATCH = 100  # inputs of a child process
WRONG = ("traceback", "wrong", "left", "hang", "killed")


def main() -> int:
    """Run them; 0 where all are as they must be."""
    from tests.benchmarks.fuzz.children import prepare, run_batch
    from tests.benchmarks.fuzz.trials import SHARES

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--kind", choices=SHARES)
    options.add_argument("--batch", type=int)
    asked = options.parse_args()
    made = prepare()
    kinds = [asked.kind] if asked.kind else list(SHARES)
    whole = sum(SHARES[kind] for kind in kinds)
    found: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    for kind in kinds:
        count = round(asked.count * SHARES[kind] / whole)
        batches = [asked.batch] if asked.batch is not None else range(-(-count // BATCH))
        for batch in batches:
            many = BATCH if asked.batch is not None else min(BATCH, count - batch * BATCH)
            for outcome, what in run_batch(made, kind, asked.seed, batch, many):
                found[kind][outcome] += 1
                if outcome in WRONG:
                    print(f"{outcome}: {kind}, seed {asked.seed}, batch {batch}: {what}", flush=True)
        print(f"{kind}: {dict(found[kind])}", file=sys.stderr, flush=True)
    print_table(found)
    return 1 if any(counts[name] for counts in found.values() for name in WRONG) else 0


def print_table(found: dict[str, Counter[str]]) -> None:
    """Kinds down, outcomes across."""
    names = list(dict.fromkeys([*("read", "refused", "answered"), *WRONG]))
    names += sorted({name for counts in found.values() for name in counts} - set(names))
    print(f"| kind | inputs | {' | '.join(names)} |")
    print("|---" * (len(names) + 2) + "|")
    for kind, counts in found.items():
        print(f"| {kind} | {counts.total()} | {' | '.join(str(counts[name]) for name in names)} |")
    total: Counter[str] = sum(found.values(), Counter())
    print(f"| all | {total.total()} | {' | '.join(str(total[name]) for name in names)} |")


if __name__ == "__main__":
    sys.exit(main())
