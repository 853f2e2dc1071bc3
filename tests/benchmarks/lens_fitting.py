"""How fast a lens is fitted: plain autograd, one output dimension at a time, beside ours.

`python -m tests.benchmarks.lens_fitting [--model M] [--rows N]` times N output dimensions of one text of 128
tokens by plain autograd and by batched backward passes, and a whole text by block means; processor seconds.
"""

import argparse
import time
from collections.abc import Callable

import platformdirs
import torch

from tracer.attribution.frozen_forward import freeze
from tracer.lens.exact import counted_positions, text_jacobian
from tracer.lens.local import LocalMeans
from tracer.models.model import Model, load

LENGTH = 128


def plain(subject: Model, ids: torch.Tensor, rows: int, positions: torch.Tensor) -> torch.Tensor:
    """The first rows of J of every layer, one backward pass through the model each."""
    outputs: list[torch.Tensor] = []

    def keep(_module: object, _args: object, out: object) -> None:
        stream = out[0] if isinstance(out, tuple) else out
        assert isinstance(stream, torch.Tensor)
        outputs.append(stream.requires_grad_(True) if not outputs else stream)

    handles = [block.register_forward_hook(keep) for block in subject.blocks]
    with torch.enable_grad():
        subject.model(ids[None], use_cache=False, logits_to_keep=1)
    for handle in handles:
        handle.remove()
    found = []
    for row in range(rows):
        grads = torch.autograd.grad(outputs[-1][0, positions, row].sum(), outputs[:-1], retain_graph=True)
        found.append(torch.stack([grad[0, positions].mean(0) for grad in grads]))
    return torch.stack(found, 1)


def timed(work: Callable[[], object]) -> float:
    """Processor seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print seconds a text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--rows", type=int, default=16)
    given = parser.parse_args()
    subject = load(given.model, cache=platformdirs.user_cache_path("askcircuit", appauthor=False))
    ids = torch.randint(200, 20_000, (LENGTH,), generator=torch.Generator().manual_seed(0))
    positions, d_model = counted_positions(LENGTH), subject.shape.d_model
    eye = torch.eye(d_model).to(subject.unembedding)
    text_jacobian(subject, ids, eye[:2], positions)
    share = d_model / given.rows
    one = timed(lambda: plain(subject, ids, given.rows, positions)) * share
    ours = timed(lambda: text_jacobian(subject, ids, eye[: given.rows], positions)) * share
    means = timed(lambda: LocalMeans.of(subject).add(freeze(subject, ids), positions))
    print(
        f"processor seconds a text of {LENGTH} tokens: plain autograd {one:.0f}, batched {ours:.0f}, "
        f"block means {means:.2f}"
    )


if __name__ == "__main__":
    main()
