"""What a model says next after many short texts that begin alike: what they share is run once."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.models.model import Model

REMEMBERED = 8  # beginnings whose keys and values are kept: the begin token alone, those of the text at hand


@torch.no_grad()
def next_logits(
    subject: Model,
    begin: Sequence[int],
    tails: Int[Tensor, "text pos"],
    known: Sequence[tuple[Tensor, Tensor]] = (),
    first: int | None = None,
) -> Float[Tensor, "text token"]:
    """The next-token logits behind `begin` and each of the tails, which are equally long.

    `known`: each layer's keys and values of a text that begins so, where they are at hand. `first`: of so
    many first tokens of the vocabulary, the most frequent ones; of all where it is None.
    """
    past = None
    if known:
        past = subject.recall([(key[:, :, : len(begin)], value[:, :, : len(begin)]) for key, value in known])
        past.batch_repeat_interleave(len(tails))
    elif len(begin):
        past = _keys_values(subject, tuple(begin), len(tails))
    seen = subject.model.base_model(tails, past_key_values=past, use_cache=past is not None).last_hidden_state
    # as a matrix: the product of a (text, 1, d_model) view with a large vocabulary takes eight times as long
    return subject.read_logits(seen[:, -1], None if first is None else slice(first))


def _keys_values(subject: Model, begin: tuple[int, ...], batch: int) -> Any:
    """A cache of the model's own kind that holds what comes before; the caller may fill it further."""
    kept = subject.beginnings.get(begin)
    if kept is None:
        ids = torch.tensor([begin], device=subject.unembedding.device)
        kept = subject.model.base_model(ids, use_cache=True).past_key_values
        while len(subject.beginnings) >= REMEMBERED:
            subject.beginnings.pop(next(iter(subject.beginnings)), None)
        subject.beginnings[begin] = kept
    past = copy.deepcopy(kept)
    past.batch_repeat_interleave(batch)
    return past
