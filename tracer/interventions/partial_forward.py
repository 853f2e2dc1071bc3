"""Call the model's own blocks again from a layer and a position on, without running what cannot change.

Earlier positions come in as keys and values, earlier layers as the stream of the unchanged text.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import BlockCall, Frozen
from tracer.cancellation import pulse


class Start(NamedTuple):
    """The first layer and position that run again."""

    layer: int
    position: int


class _Recorder:
    """Stands where a cache stands and remembers one block's keys and values."""

    def __init__(self) -> None:
        self.seen: tuple[Tensor, Tensor] | None = None

    def update(self, key: Tensor, value: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """What an attention layer calls on its cache."""
        self.seen = key, value
        return key, value


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
        kwargs = _from_position(call, first)
        if first:
            key, value = frozen.keys_values[index]
            kwargs[frozen.subject.family.past] = _Prefix(key[:, :, :first], value[:, :, :first])
        out = frozen.subject.blocks[index](stream, **kwargs)
        stream = out[0] if isinstance(out, tuple) else out
    return stream


def remember_prefix(frozen: Frozen, start: Start) -> None:
    """Keep the unchanged text's keys and values of the blocks that run again; no hook may be in place."""
    if not start.position:
        return
    for index in range(start.layer, len(frozen.layers)):
        if index in frozen.keys_values:
            continue
        call, recorder = frozen.calls[index], _Recorder()
        kwargs = {**_from_position(call, 0), frozen.subject.family.past: recorder}
        with torch.no_grad():
            frozen.subject.blocks[index](frozen.layers[index].stream[None], **kwargs)
        assert recorder.seen is not None
        frozen.keys_values[index] = recorder.seen


def _from_position(call: BlockCall, first: int) -> dict[str, Any]:
    """The block's keyword arguments for the positions from `first` on."""
    kwargs = {name: value for name, value in call.items() if name != "hidden_states"}
    if not first:
        return kwargs
    for name, value in kwargs.items():
        match name:
            case "attention_mask" if value is not None:
                kwargs[name] = value[..., first:, :]
            case "position_ids":
                kwargs[name] = value[:, first:]
            case "position_embeddings":
                kwargs[name] = tuple(part[:, first:] for part in value)
            case "cache_position" if value is not None:
                kwargs[name] = value[first:]
    return kwargs
