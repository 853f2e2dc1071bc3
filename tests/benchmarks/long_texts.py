"""What a long text takes: `python -m tests.benchmarks.long_texts 512 1024 2048 4096` (`--graph` traces, too).

Each length in a process of its own: seconds of processor time of the one pass over the whole text, of the
graph of its window, and the peak of the process's memory.
"""

import argparse
import resource
import subprocess
import sys
import time

WINDOW, NODES = 512, 1000


def measure(tokens: int, window: int, graph: bool) -> None:
    """One length, as a row of a table."""
    from agent.core import rows_on
    from agent.core.settings import Settings
    from tracer import load, shipped_prose
    from tracer.attribution import freeze_window, logit_difference, trace

    subject = load("embedded", cache=Settings().cache_folder)
    text = "\n".join(document.text for document in shipped_prose())
    ids = subject.tokenizer(text, return_tensors="pt").input_ids[0][:tokens]
    before, started = time.process_time(), time.perf_counter()
    frozen = freeze_window(subject, ids, window)
    passed = time.process_time()
    if graph:
        best = frozen.logits.topk(2).indices.tolist()
        trace(frozen, logit_difference(frozen, *best), "LD", nodes=rows_on(frozen.length, NODES))
    traced, ended = time.process_time(), time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    graphed = f"{traced - passed:.1f}" if graph else ""
    print(
        f"| {len(ids):,} | {frozen.length:,} | {passed - before:.1f} | {graphed} | {ended - started:.1f} | "
        f"{peak:.1f} |",
        flush=True,
    )


def main() -> None:
    """All lengths, one after the other."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("tokens", type=int, nargs="+")
    options.add_argument("--window", type=int, default=WINDOW)
    options.add_argument("--graph", action="store_true")
    options.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.one:
        measure(asked.tokens[0], asked.window, asked.graph)
        return
    print("| tokens | looked at | the pass, s | the graph, s | both by the clock, s | peak, GB |")
    print("|---|---|---|---|---|---|", flush=True)
    for tokens in asked.tokens:
        again = [sys.executable, "-m", "tests.benchmarks.long_texts", str(tokens), "--one"]
        again += ["--window", str(asked.window), *(["--graph"] if asked.graph else [])]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
