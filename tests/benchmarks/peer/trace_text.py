"""Trace one text with circuit-tracer 0.5.0 and print its time and peak memory as `name value` pairs.

.peer/bin/python tests/benchmarks/peer/trace_text.py FOLDER --text TEXT [--rows N] [--save graph.safetensors]
"""

import argparse
import resource
import time
from pathlib import Path

import torch
from circuit_tracer import attribute
from circuit_tracer.replacement_model.replacement_model_nnsight import NNSightReplacementModel
from circuit_tracer.transcoder.single_layer_transcoder import load_transcoder_set
from safetensors.torch import save_file


def opened(folder: Path) -> NNSightReplacementModel:
    """The model with its transcoders, all in memory: this is the peer's quickest way."""
    cpu = torch.device("cpu")
    files = sorted((folder / "transcoders").glob("layer_*.safetensors"), key=lambda f: int(f.stem[6:]))
    transcoders = load_transcoder_set(
        dict(enumerate(map(str, files))),
        "random",
        "mlp.hook_in",
        "hook_mlp_out",
        device=cpu,
        dtype=torch.float32,
        lazy_encoder=False,
        lazy_decoder=False,
    )
    return NNSightReplacementModel.from_pretrained_and_transcoders(
        str(folder / "model"), transcoders, device=cpu, dtype=torch.float32
    )


def main() -> None:
    """Trace, print, save the adjacency matrix (rows are targets)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--text", required=True)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--save", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(2)
    model = opened(args.folder)
    start = time.perf_counter()
    graph = attribute(args.text, model, max_feature_nodes=args.rows, batch_size=args.batch)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"seconds {seconds:.2f} peak_gb {peak:.2f} active {len(graph.active_features)} "
        f"rows {len(graph.selected_features)} tokens {len(graph.input_tokens)}"
    )
    if args.save:
        save_file({"adjacency": graph.adjacency_matrix.contiguous()}, args.save)


if __name__ == "__main__":
    main()
