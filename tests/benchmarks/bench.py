"""circuit-tracer and askcircuit on the same weights, texts and rows, in turn, in one run.

    make bench          (the first time it makes .peer/, the peer's own virtual environment)

Both run in processes of their own with two threads; seconds are of the trace alone, peak memory is of the
whole process. The floor is the operations that the rows need over the matrix rate measured on this machine.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file

ROOT = Path(__file__).parents[2]
TOOLS = ROOT.parent / "shared" / "tools" / "peer"
PEER = ROOT / ".peer" / "bin" / "python"
WORK = ROOT / ".bench"
RUNS = (
    ("6 tokens, 1,024 rows", "Texas, whose capital is", 1024, 64),
    (
        "54 tokens, 2,048 rows",
        "The Eiffel Tower is in the city of Paris, which is the capital of France. The Colosseum is in the "
        "city of Rome, which is the capital of Italy. The Brandenburg Gate is in the city of Berlin, and Big "
        "Ben is in the city of",
        2048,
        128,
    ),
)


def matrix_rate() -> float:
    """Floating-point operations a second of a large float32 product."""
    torch.set_num_threads(2)
    a = torch.randn(2048, 2048)
    (a @ a).sum()
    start = time.perf_counter()
    for _ in range(20):
        a @ a
    return 20 * 2 * 2048**3 / (time.perf_counter() - start)


def floor(rows: int, tokens: int, rate: float, active: int) -> float:
    """Seconds that moving and contracting these rows takes at that rate (half the layers on average).

    gemma-3-270m: 0.82 million multiply-adds a target, layer and position to move it, d_model a source.
    """
    layers, d_model = 18, 640
    moving = rows * tokens * 0.82e6 * layers / 2
    contracting = rows * active * d_model / 2
    return 2 * (moving + contracting) / rate


def run(command: list[str]) -> dict[str, float]:
    """The numbers a program printed as `name value` pairs."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command[:3])} failed:\n{done.stderr[-2000:]}")
    return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", done.stdout)}


def prepare() -> None:
    """The model in both forms and the random transcoders, made once."""
    from agent import read_settings
    from tracer.embedded import ensure_embedded

    folder = ensure_embedded(read_settings().cache_folder)
    WORK.mkdir(exist_ok=True)
    if not (WORK / "ours").exists():
        (WORK / "ours").symlink_to(folder)
    if not (WORK / "transcoders" / "layer_17.safetensors").exists():
        run([str(PEER), str(TOOLS / "prepare.py"), str(folder), str(WORK)])
        config = (
            "model_kind: transcoder_set\nfeature_input_hook: mlp.hook_in\nfeature_output_hook: hook_mlp_out\n"
        )
        (WORK / "transcoders" / "config.yaml").write_text(config, encoding="utf-8")


def difference(rows: int) -> tuple[float, int]:
    """The largest relative difference of an edge (of its row's largest), and the active features."""
    read = "import sys, torch; from safetensors.torch import save_file as s; g = torch.load(sys.argv[1]); "
    read += "s({'adjacency': g['adjacency'].contiguous(), 'active': g['active'].contiguous()}, sys.argv[2])"
    graph, plain = WORK / "peer.pt", WORK / "peer.safetensors"
    subprocess.run([str(PEER), "-c", read, str(graph), str(plain)], check=True, capture_output=True)
    peer, ours = load_file(plain), load_file(WORK / "ours.safetensors")["matrix"]
    wanted = peer["adjacency"]
    if wanted.shape != ours.shape:
        raise SystemExit(f"bench: the graphs differ in size: {tuple(wanted.shape)} and {tuple(ours.shape)}")
    worst = (ours - wanted).abs().amax(1) / wanted.abs().amax(1).clamp_min(1e-30)
    return float(worst.max()), len(peer["active"])


def compare(name: str, text: str, rows: int, batch: int, rate: float) -> list[str]:
    """One line of the table."""
    common = [str(WORK), "--text", text, "--rows", str(rows), "--batch", str(batch), "--save"]
    peer_script = [str(PEER), str(TOOLS / "run_peer.py")]
    peer = run([*peer_script, *common, str(WORK / "peer.pt")])
    ours = run([sys.executable, "-m", "tests.benchmarks.ours", *common, str(WORK / "ours.safetensors")])
    gap, active = difference(rows)
    least = floor(rows, int(ours["tokens"]), rate, active)
    return [
        name,
        f"{peer['seconds']:.1f} s",
        f"{ours['seconds']:.2f} s",
        f"{peer['seconds'] / ours['seconds']:.1f}x",
        f"{rows / ours['seconds']:.0f}",
        f"{peer['peak_gb']:.1f} GB",
        f"{ours['peak_gb']:.1f} GB",
        f"{least:.2f} s",
        f"{gap:.1e}",
    ]


def main() -> None:
    """Run both, print the table."""
    for needed, how in ((PEER, "make bench makes it"), (TOOLS, "it comes with the project's design papers")):
        if not needed.exists():
            raise SystemExit(f"bench: {needed} is missing; {how}.")
    prepare()
    rate = matrix_rate()
    columns: Any = (
        "run",
        "peer",
        "ours",
        "ratio",
        "rows/s",
        "peer peak",
        "our peak",
        "floor",
        "edges differ by",
    )
    table = Table(*columns, title=f"float32, {rate / 1e9:.0f} GFLOP/s measured")
    for name, text, rows, batch in RUNS:
        table.add_row(*compare(name, text, rows, batch, rate))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
