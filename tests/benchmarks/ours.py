"""Trace one text with askcircuit on the peer's weights, as peer/trace_text.py traces it with circuit-tracer.

python -m tests.benchmarks.ours FOLDER --text TEXT --rows N [--save edges.safetensors]
"""

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tracer import Model, load
from tracer.attribution.circuit_tracer_compat import PeerView
from tracer.attribution.frozen_forward import freeze
from tracer.attribution.graph import Graph
from tracer.transcoders.attribute import trace_transcoders
from tracer.transcoders.hub import load_transcoders


def trace_it(
    subject: Model, folder: Path, text: str, rows: int, batch: int, **how: Any
) -> tuple[float, Graph, int]:
    """Seconds of the trace (transcoders already open, as the peer's are), the graph, the tokens."""
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
        **how,
    )
    return time.perf_counter() - start, graph, len(ids)


def floor_flops(subject: Model, graph: Graph) -> float:
    """Operations these rows need: moving each target down to the first layer, at the positions it can feel.

    A target's first attention is free: it feels one position. Contractions (a sixtieth) are left out.
    """
    shape = subject.shape
    a_step = shape.d_model * shape.d_head * (shape.heads + shape.kv_heads)
    layers = graph.layer[: graph.features]
    return float(2 * a_step * (layers * (graph.position[: graph.features] + 1)).sum())


def main() -> None:
    """Print one line that bench.py reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--text", required=True)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=64, help="the peer ranks anew after four batches")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--kept", type=Path, help="where to write the ids of what pruning keeps (0.8 / 0.98)")
    parser.add_argument("--epsilon", type=float, help="the certified stop, instead of a number of rows")
    parser.add_argument("--bfloat16", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(2)
    subject = load(str(args.folder / "ours"), cache=args.folder)
    resting = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    how: dict[str, Any] = {"products": torch.bfloat16} if args.bfloat16 else {}
    if args.epsilon is not None:
        how["epsilon"] = args.epsilon
    used = time.process_time()
    seconds, graph, tokens = trace_it(subject, args.folder, args.text, args.rows, args.batch, **how)
    used = time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"seconds {seconds:.2f} processor {used:.2f} peak_gb {peak:.2f} loaded_gb {resting:.2f} "
        f"rows {graph.features} tokens {tokens} flops {floor_flops(subject, graph):.0f} "
        f"bound {graph.unexplored or 0:.3f} error {graph.error or 0:.5f}"
    )
    if args.kept:
        kept = graph.prune().nodes.nonzero()[:, 0].tolist()
        args.kept.write_text("\n".join(graph.id_of(node) for node in kept), encoding="utf-8")
    if args.save:
        save_file({"matrix": PeerView(graph).matrix.contiguous()}, args.save)


if __name__ == "__main__":
    main()
