"""Call the model's own blocks again from a layer and a position on, without running what cannot change.

Earlier positions come in as keys and values, earlier layers as the stream of the unchanged text.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen, KeysAndValues, call_from
from tracer.cancellation import pulse

BATCH_POSITIONS = 1536  # positions (batch times text) that one batched pass may hold
EARLIER_NUMBERS = 1 << 26  # numbers that keys of what stands before a window may take, copied for every row
HIDDEN = -1e4  # what a mask adds, at least, where nothing is to be seen


class Start(NamedTuple):
    """The first layer and position that run again."""

    layer: int
    position: int


class _Prefix:
    """Stands where a cache stands and puts the unchanged positions before the new ones."""

    def __init__(self, key: Tensor, value: Tensor) -> None:
        self._key, self._value = key, value

    def update(self, key: Tensor, value: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """What an attention layer calls on its cache."""
        batch = len(key)
        old_key = self._key.expand(batch, -1, -1, -1)
        old_value = self._value.expand(batch, -1, -1, -1)
        return torch.cat([old_key, key], 2), torch.cat([old_value, value], 2)


def rerun(frozen: Frozen, batch: int, start: Start) -> Float[Tensor, "batch pos d_model"]:
    """The final stream from `start.position` on, as whatever hooks are in place leave it.

    `remember_prefix` must have been called for this start.
    """
    first = start.position
    if start.layer == len(frozen.layers):
        return frozen.final_stream[first:].expand(batch, -1, -1)
    stream = frozen.layers[start.layer].stream[first:].expand(batch, -1, -1)
    for index in range(start.layer, len(frozen.layers)):
        pulse()
        call = frozen.calls[index]
        kwargs = call_from(call, first)
        if frozen.before + first:
            key, value = frozen.keys_values[index]
            unseen = _first_seen(kwargs) if frozen.before else 0
            if unseen:
                kwargs["attention_mask"] = kwargs["attention_mask"][..., unseen:]
            there = slice(unseen, frozen.before + first)
            kwargs[frozen.subject.family.past] = _Prefix(key[:, :, there], value[:, :, there])
        out = frozen.subject.blocks[index](stream, **kwargs)
        stream = out[0] if isinstance(out, tuple) else out
    return stream


def rows_at_once(frozen: Frozen, position: int) -> int:
    """How many changes that begin here one batched pass may hold."""
    rows = BATCH_POSITIONS // (frozen.length - position)
    if frozen.before:
        key = frozen.keys_values[len(frozen.layers) - 1][0]
        rows = min(rows, EARLIER_NUMBERS // (frozen.subject.shape.heads * key.shape[2] * key.shape[3]))
    return max(1, rows)


def remember_prefix(frozen: Frozen, start: Start) -> None:
    """Keep the unchanged text's keys and values of the blocks that run again; no hook may be in place."""
    if not start.position:
        return
    for index in range(start.layer, len(frozen.layers)):
        if index in frozen.keys_values:
            continue
        call, recorder = frozen.calls[index], KeysAndValues()
        kwargs = {**call_from(call, 0), frozen.subject.family.past: recorder}
        with torch.no_grad():
            frozen.subject.blocks[index](frozen.layers[index].stream[None], **kwargs)
        assert recorder.seen is not None
        frozen.keys_values[index] = recorder.seen


def _first_seen(kwargs: dict[str, Any]) -> int:
    """How many of the first positions no query sees: a window of attention that slides leaves them behind."""
    mask = kwargs.get("attention_mask")
    if mask is None:
        return 0
    seen = (mask if mask.dtype == torch.bool else mask > HIDDEN).flatten(0, -2).any(0)
    return int(seen.long().argmax())
