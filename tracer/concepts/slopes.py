"""How the answer's lead depends on every place of the stream: one backward pass through the live model."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.attribution import Frozen
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.interventions import FREE, Start, final_logits, rerun
from tracer.models import hook_before


def lead_gradient(
    frozen: Frozen, answer: int, alternatives: Sequence[Alternative]
) -> Float[Tensor, "layer pos d_model"]:
    """d lead / d stream behind each block at each position of the unchanged text (logits per unit)."""
    streams: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        stream = args[0] if args[0].requires_grad else args[0].detach().requires_grad_(True)
        streams.append(stream)
        return (stream, *args[1:])

    subject = frozen.subject
    handles = [hook_before(block, keep) for block in subject.blocks]
    try:
        with torch.enable_grad():
            logits = _logits(frozen)
            lead = contrast_direction(logits, answer, alternatives)
            behind = torch.autograd.grad(lead, streams[1:])
    finally:
        for handle in handles:
            handle.remove()
    last = torch.zeros_like(behind[0])
    return torch.cat([*behind, last]).detach()


def _logits(frozen: Frozen) -> Float[Tensor, " vocab"]:
    """The next-token logits, run again; of a window, behind what stands before it."""
    if frozen.before:
        return final_logits(frozen, rerun(frozen, 1, Start(0, 0))[:, -1], FREE, None)[0]
    logits: Tensor = frozen.subject.model(frozen.ids[None], use_cache=False, logits_to_keep=1).logits
    return logits[0, -1]
