"""How a neuron graph's cost grows with the length of the text, the features chosen and the layers below.

    python -m tests.benchmarks.growth [LENGTH ...]      (default 8 16 32 64 128; 512 needs minutes)

Real runs on the embedded model, each in a process of its own, so that its peak memory is its own. Writes
growth.json (kept from run to run) and growth.png beside this file. Seconds are processor seconds over two
cores: about what a quiet machine with two cores takes, however busy this one is.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent
WORDS = (
    "The Eiffel Tower is in the city of Paris, which is the capital of France, and the river that runs "
    "through it is the Seine. Further south, in the old harbour of Marseille, fishing boats still come in. "
)


def measure(what: str, size: int) -> dict[str, float]:
    """One run: seconds, rows and peak memory."""
    from agent import read_settings
    from tracer import load
    from tracer.attribution.attribute import trace
    from tracer.attribution.backward_sweep import direct_rows
    from tracer.attribution.frozen_forward import freeze
    from tracer.attribution.neurons import neuron_sources, units_of
    from tracer.attribution.targets import logit_difference, neuron_targets

    torch.set_num_threads(2)
    subject = load(cache=read_settings().cache_folder)
    length = size if what == "length" else 16
    ids = subject.encode(WORDS * (1 + length // 30), 100_000)[:length]
    trace(freeze(subject, ids[:8]), logit_difference(freeze(subject, ids[:8]), 3, 50), "warm", nodes=8)
    start = time.process_time()
    frozen = freeze(subject, ids)
    if what == "layers":
        layer = torch.full((512,), size)
        targets = neuron_targets(frozen, layer, torch.full_like(layer, length - 1), torch.arange(512))
        sources = neuron_sources(frozen, units_of(torch.arange(2048), length, subject.neurons))
        start = time.process_time()
        direct_rows(frozen, targets, sources)
        rows = 512
    else:
        best = frozen.logits.topk(2).indices.tolist()
        nodes = size if what == "features" else 1000
        rows = trace(frozen, logit_difference(frozen, *best), "LD", nodes=nodes).features
    seconds = (time.process_time() - start) / 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": round(seconds, 3), "rows": rows, "peak_gb": round(peak, 2)}


def draw(found: dict[str, dict[str, Any]]) -> None:
    """Three curves of seconds, one of memory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(14, 3.2), constrained_layout=True)
    panels = (
        ("length", "seconds", "tokens (1,000 rows)"),
        ("length", "peak_gb", "tokens (1,000 rows)"),
        ("features", "seconds", "rows (16 tokens)"),
        ("layers", "seconds", "layers below (512 rows, 16 tokens)"),
    )
    for axis, (what, value, label) in zip(axes, panels, strict=True):
        points = sorted((int(size), run[value]) for size, run in found.get(what, {}).items())
        axis.plot(*zip(*points, strict=True), "o-")
        axis.set(xlabel=label, ylabel="seconds, two cores" if value == "seconds" else "peak memory, GB")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    figure.suptitle("Neuron graphs of gemma-3-270m, float32, two cores")
    figure.savefig(HERE / "growth.png", dpi=100)


def main() -> None:
    """Measure what is missing, draw all."""
    if len(sys.argv) == 4 and sys.argv[1] == "--one":
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
        return
    kept = HERE / "growth.json"
    found: dict[str, dict[str, Any]] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    lengths = [int(size) for size in sys.argv[1:]] or [8, 16, 32, 64, 128]
    wanted = [("length", size) for size in lengths]
    if len(sys.argv) == 1:
        wanted += [("features", size) for size in (250, 500, 1000, 2000)]
        wanted += [("layers", size) for size in (2, 5, 8, 11, 14, 17)]
    for what, size in wanted:
        command = [sys.executable, "-m", "tests.benchmarks.growth", "--one", what, str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parents[1])
        found.setdefault(what, {})[str(size)] = json.loads(done.stdout)
        print(what, size, done.stdout.strip(), flush=True)
        kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found)


if __name__ == "__main__":
    main()
