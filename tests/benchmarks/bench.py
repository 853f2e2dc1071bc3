"""circuit-tracer and askcircuit on the same weights, texts and rows, in turn, in one run.

    make bench                  (the first time it makes .peer/, the peer's own virtual environment)
    make bench ARGS=--short     (the short text only: two minutes instead of ten)

Both run in processes of their own with two threads that wait actively, as is best alone on a machine; seconds
are of the trace alone, peak memory is of the whole process. Ours is what `load` and `trace_transcoders` give
by default. The floor is the operations that the rows need over the matrix rate measured on this machine.
Each line is printed as soon as it is measured.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch
from safetensors.torch import load_file

from tracer.models.processor import bfloat16_takes

ROOT = Path(__file__).parents[2]
TOOLS = Path(__file__).parent / "peer"
PEER = ROOT / ".peer" / "bin" / "python"
WORK = ROOT / ".bench"
EXACT = 1e-5  # how far edges may be from the peer's; both graphs are kept in .bench where they are further
EPSILON = 0.1  # of the certified stop; 5.2 GB on the long text, much more below
SHORT = ("6 tokens, 1,024 rows", "Texas, whose capital is", 1024, 64)
LONG = (
    "54 tokens, 2,048 rows",
    "The Eiffel Tower is in the city of Paris, which is the capital of France. The Colosseum is in the "
    "city of Rome, which is the capital of Italy. The Brandenburg Gate is in the city of Berlin, and Big "
    "Ben is in the city of",
    2048,
    128,
)
COLUMNS = ("run", "seconds", "rows/s", "ratio", "peak", "after loading", "floor", "edges differ by")
WIDTHS = (26, 9, 7, 7, 8, 14, 8, 0)
Line = tuple[str, ...]


def matrix_rate() -> float:
    """Floating-point operations a second of a large float32 product."""
    torch.set_num_threads(2)
    a = torch.randn(2048, 2048)
    (a @ a).sum()
    start = time.perf_counter()
    for _ in range(20):
        a @ a
    return 20 * 2 * 2048**3 / (time.perf_counter() - start)


def run(what: str, command: list[str]) -> dict[str, float]:
    """The numbers a program printed as `name value` pairs; tells what is running while it runs."""
    sys.stderr.write(f"bench: {what} …\n")
    alone = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command[:3])} failed:\n{done.stderr[-2000:]}")
    return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", done.stdout)}


def prepare() -> None:
    """The model in both forms and the random transcoders, made once."""
    from agent import read_settings
    from tracer.models.packaged import ensure_embedded

    folder = ensure_embedded(read_settings().cache_folder)
    WORK.mkdir(exist_ok=True)
    if not (WORK / "ours").exists():
        (WORK / "ours").symlink_to(folder)
    if not (WORK / "transcoders" / "config.yaml").exists():
        what = "random transcoders, 8,192 features a layer, are made once (.bench, 1.5 GB)"
        run(what, [str(PEER), str(TOOLS / "prepare.py"), str(folder), str(WORK)])


def difference() -> float:
    """The largest difference of an edge from the peer's, relative to its row's largest."""
    theirs, ours = WORK / "peer.safetensors", WORK / "ours.safetensors"
    wanted, found = load_file(theirs)["adjacency"], load_file(ours)["matrix"]
    if wanted.shape != found.shape:
        raise SystemExit(f"bench: the graphs differ in size: {tuple(wanted.shape)} and {tuple(found.shape)}")
    worst = (found - wanted).abs().amax(1) / wanted.abs().amax(1).clamp_min(1e-30)
    if worst.max() > EXACT:  # to be looked into: both graphs stay
        odd = WORK / f"odd-{time.strftime('%Y%m%d-%H%M%S')}"
        odd.mkdir()
        for path in (theirs, ours):
            shutil.copy(path, odd)
    return float(worst.max())


def programs(text: str, rows: int, batch: int) -> tuple[list[str], list[str]]:
    """The commands that trace a text: the peer's and ours."""
    asked = [str(WORK), "--text", text, "--rows", str(rows), "--batch", str(batch)]
    peer = [str(PEER), str(TOOLS / "trace_text.py"), *asked]
    return peer, [sys.executable, "-m", "tests.benchmarks.ours", *asked]


def compare(name: str, text: str, rows: int, batch: int, rate: float) -> Iterator[Line]:
    """Lines of the table: the peer and us on the same rows, then bfloat16 and the certified stop."""
    theirs, ours = programs(text, rows, batch)
    peer = run(f"circuit-tracer, {name}", [*theirs, "--save", str(WORK / "peer.safetensors")])
    yield f"{name}: peer", *costs(peer, peer), "", ""
    same = run(f"ours, {name}", [*ours, "--save", str(WORK / "ours.safetensors")])
    yield "  same rows, float32", *costs(same, peer), floor(same, rate), f"{difference():.1e}"
    if bfloat16_takes() < 1:
        rounded = run(f"ours in bfloat16, {name}", [*ours, "--bfloat16"])
        yield "  same rows, bfloat16", *costs(rounded, peer), "", f"{rounded['error']:.1e} (sampled)"
    certified = run(f"ours to a bound of {EPSILON}, {name}", [*everything(ours), "--epsilon", str(EPSILON)])
    bound = f"{certified['rows']:.0f} of {peer['active']:.0f} rows, bound {certified['bound']:.2f}"
    yield f"  certified {EPSILON}", *costs(certified, peer), "", bound


def everything(command: list[str]) -> list[str]:
    """The same, but every active feature may have a row."""
    at = command.index("--rows") + 1
    return [*command[:at], "1000000", *command[at + 1 :]]


def same_pruned_graph(text: str, batch: int, rate: float) -> Iterator[Line]:
    """Lines of the table: every active feature expanded by the peer and by us, then the certified stop.

    What pruning (0.8 / 0.98) keeps of the whole graph is what the certified stop is after.
    """
    theirs, ours = map(everything, programs(text, 0, batch))
    peer = run("circuit-tracer, all rows", [*theirs, "--save", str(WORK / "peer.safetensors")])
    yield f"all {peer['active']:.0f} rows: peer", *costs(peer, peer), "", ""
    kept = [WORK / "kept_whole.txt", WORK / "kept_certified.txt"]
    saved = ["--save", str(WORK / "ours.safetensors"), "--kept", str(kept[0])]
    whole = run("ours, all rows", [*ours, *saved])
    yield "  all rows, float32", *costs(whole, peer), floor(whole, rate), f"{difference():.1e}"
    certified = run("ours, the same pruned graph", [*ours, "--epsilon", str(EPSILON), "--kept", str(kept[1])])
    one, other = (set(path.read_text("utf-8").split()) for path in kept)
    alike = (
        f"{certified['rows']:.0f} rows, {len(one & other) / len(one | other):.1%} of pruned nodes the same"
    )
    yield f"  certified {EPSILON}", *costs(certified, peer), "", alike


def costs(one: dict[str, float], peer: dict[str, float]) -> Line:
    """Seconds, rows a second, ratio, peak memory and what of it came after loading."""
    after = f"{one['peak_gb'] - one['loaded_gb']:.1f} GB" if "loaded_gb" in one else ""
    return (
        f"{one['seconds']:.2f} s",
        f"{one['rows'] / one['seconds']:.0f}",
        f"{peer['seconds'] / one['seconds']:.1f}x",
        f"{one['peak_gb']:.1f} GB",
        after,
    )


def floor(one: dict[str, float], rate: float) -> str:
    """Seconds the rows' operations alone would take."""
    return f"{one['flops'] / rate:.2f} s"


def show(line: Line) -> None:
    """One line of the table, at once."""
    print(" ".join(cell.ljust(width) for cell, width in zip(line, WIDTHS, strict=True)).rstrip(), flush=True)


def main() -> None:
    """Run both, print the table line by line."""
    parser = argparse.ArgumentParser(description="circuit-tracer and askcircuit on the same rows")
    parser.add_argument(
        "--short", action="store_true", help="the short text, and no run over all its features"
    )
    args = parser.parse_args()
    if not PEER.exists():
        raise SystemExit(f"bench: {PEER.relative_to(ROOT)} is missing; make bench makes it.")
    prepare()
    rate, takes = matrix_rate(), bfloat16_takes()
    print(f"{platform.processor() or platform.machine()}, two threads, float32 at {rate / 1e9:.0f} GFLOP/s")
    if takes >= 1:
        told = "no instructions for it" if takes == float("inf") else f"{takes:.1f} times float32's time"
        print(f"bfloat16 products are left out: {told} on this processor")
    show(COLUMNS)
    for line in compare(*SHORT, rate):
        show(line)
    if args.short:
        return
    for line in chain(same_pruned_graph(SHORT[1], SHORT[3], rate), compare(*LONG, rate)):
        show(line)


if __name__ == "__main__":
    main()
