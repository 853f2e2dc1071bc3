"""The Jacobian of one text, exactly: norms and attention live, one backward pass for many output directions.

A backward pass that starts with the same direction at every position gives, at each source position t, the
sum over t' >= t at once. Blocks are differentiated one by one: only one block's cotangents are held.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import recorded_inputs
from tracer.cancellation import pulse
from tracer.lens.errors import LensError
from tracer.models import Model

SKIPPED = 16  # first positions that are left out: attention sinks, and little context
AT_ONCE = 32  # output directions of a backward pass


def counted_positions(length: int, skipped: Sequence[int] = ()) -> Int[Tensor, " some"]:
    """Positions of a text that count: not the first SKIPPED, not the last, none of `skipped`.

    Raises LensError where none is left.
    """
    kept = [position for position in range(SKIPPED, length - 1) if position not in set(skipped)]
    if not kept:
        raise LensError(f"A text of {length} tokens is too short to fit a lens: {SKIPPED + 2} are needed.")
    return torch.tensor(kept)


def text_jacobian(
    subject: Model,
    ids: Int[Tensor, " pos"],
    rows: Float[Tensor, "row d_model"],
    positions: Int[Tensor, " some"],
    at_once: int = AT_ONCE,
) -> Float[Tensor, "layer row d_model"]:
    """rows @ J_l of one text for every layer but the last: mean over t, sum over t' >= t, in `positions`."""
    sources, outputs = _graphs(subject, ids)
    layers, d_model = len(sources), rows.shape[1]
    out = rows.new_zeros(layers - 1, len(rows), d_model)
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        felt = some.new_zeros(len(some), 1, len(ids), d_model)
        felt[:, 0, positions] = some[:, None]
        for index in range(layers - 1, 0, -1):
            pulse()
            (felt,) = torch.autograd.grad(
                outputs[index], sources[index], felt, is_grads_batched=True, retain_graph=True
            )
            out[index - 1, start : start + at_once] = felt[:, 0, positions].mean(1)
    return out


def _graphs(subject: Model, ids: Int[Tensor, " pos"]) -> tuple[list[Tensor], list[Tensor]]:
    """Each block's input and output, the graph between them held and cut between blocks."""
    names = {f"block {index}": block for index, block in enumerate(subject.blocks)}
    with torch.no_grad(), recorded_inputs(names) as calls:
        subject.model(ids[None], use_cache=False, logits_to_keep=1)
    sources, outputs = [], []
    for index, block in enumerate(subject.blocks):
        call = dict(calls[f"block {index}"])
        source = call.pop("hidden_states").detach().requires_grad_(index > 0)
        with torch.enable_grad():
            out = block(source, **call)
        sources.append(source)
        outputs.append(out[0] if isinstance(out, tuple) else out)
    return sources, outputs
