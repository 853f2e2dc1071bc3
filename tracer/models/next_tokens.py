"""What a model says next after many short texts that begin alike: what they share is run once."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.models.hooks import hook_before
from tracer.models.model import Model


@torch.no_grad()
def next_logits(
    subject: Model,
    begin: Sequence[int],
    tails: Int[Tensor, "text pos"],
    known: Sequence[tuple[Tensor, Tensor]] = (),
) -> Float[Tensor, "text vocab"]:
    """The next-token logits behind `begin` and each of the tails, which are equally long.

    `known`: each layer's keys and values of a text that begins so, where they are at hand.
    """
    past, head = None, subject.model.get_output_embeddings()
    if known:
        past = subject.recall([(key[:, :, : len(begin)], value[:, :, : len(begin)]) for key, value in known])
        past.batch_repeat_interleave(len(tails))
    elif len(begin):
        ids = torch.tensor([list(begin)], device=tails.device)
        past = subject.model(ids, use_cache=True, logits_to_keep=1).past_key_values
        past.batch_repeat_interleave(len(tails))
    # as a matrix: the product of a (text, 1, d_model) view with a large vocabulary takes eight times as long
    flat = hook_before(head, lambda _module, args: (args[0][:, -1],))
    try:
        logits: Tensor = subject.model(
            tails, past_key_values=past, use_cache=past is not None, logits_to_keep=1
        ).logits
    finally:
        flat.remove()
    return logits
