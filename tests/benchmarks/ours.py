"""Trace one text with askcircuit on the peer's weights, as run_peer.py traces it with circuit-tracer.

python -m tests.benchmarks.ours FOLDER --text TEXT --rows N [--save edges.safetensors]
"""

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from tracer import Subject, load
from tracer.frozen import freeze
from tracer.peer import PeerView
from tracer.replacement import trace_transcoders
from tracer.transcoder_sets import load_transcoders


def trace_it(subject: Subject, folder: Path, text: str, rows: int, batch: int) -> tuple[float, PeerView, int]:
    """Seconds of the trace (transcoders already open, as the peer's are), and the graph as its own."""
    transcoders = load_transcoders(str(folder / "transcoders"))
    ids = subject.encode(text, 4096)
    start = time.perf_counter()
    frozen = freeze(subject, ids)
    # the peer leaves Gemma 3's embeddings unscaled, which enters its choice of nodes: here too, to compare
    unscaled = replace(frozen, embedded=frozen.embedded / frozen.embedded.shape[1] ** 0.5)
    graph = trace_transcoders(
        unscaled,
        transcoders,
        max_feature_nodes=rows,
        a_round=4 * batch,
        zero_positions=1,
        rest_apart=True,
    )
    return time.perf_counter() - start, PeerView(graph), len(ids)


def main() -> None:
    """Print one line that bench.py reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--text", required=True)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=64, help="the peer ranks anew after four batches")
    parser.add_argument("--save", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(2)
    subject = load(str(args.folder / "ours"), cache=args.folder)
    seconds, view, tokens = trace_it(subject, args.folder, args.text, args.rows, args.batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"seconds {seconds:.2f} peak_gb {peak:.2f} rows {args.rows} tokens {tokens}")
    if args.save:
        save_file({"matrix": view.matrix.contiguous()}, args.save)


if __name__ == "__main__":
    main()
