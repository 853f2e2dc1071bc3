"""A long text of which the last positions are looked at: what stands before is held as it is.

The whole text runs once. Of what stands before the window the keys and values of every layer are kept, so
that the window can run again, and what attention brings from there is a constant: it counts as one source.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tracer.attribution.frozen_forward import (
    assemble,
    call_by_name,
    call_from,
    freeze,
    given_to,
    list_sites,
    norm_on,
)
from tracer.attribution.frozen_text import BlockCall, Frozen, Layer
from tracer.cancellation import pulse
from tracer.models import Model, hook_after, hook_before, part


class KeysAndValues:
    """Stands where a cache stands and remembers one block's keys and values."""

    def __init__(self) -> None:
        self.seen: tuple[Tensor, Tensor] | None = None

    def update(self, key: Tensor, value: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """What an attention layer calls on its cache."""
        self.seen = key, value
        return key, value


class _Window:
    """What of a pass over the whole text is kept: the window's part of everything, and keys and values."""

    def __init__(self, subject: Model, start: int) -> None:
        self.subject, self.start = subject, start
        self.seen: dict[str, Tensor] = {}
        self.calls: list[BlockCall] = []
        self.patterns: list[Float[Tensor, "head query key"]] = []
        self.brought: list[Float[Tensor, "query d_model"]] = []  # from before the window, before a norm
        self.kept: list[KeysAndValues] = []

    def hooks(self) -> list[Any]:
        """Hooks that fill it; to be removed."""
        family, handles = self.subject.family, []
        for name, site in list_sites(self.subject).items():
            if name.startswith("block "):
                handles.append(hook_before(site, self._enter(name), with_kwargs=True))
            else:
                handles.append(hook_before(site, self._keep(name), with_kwargs=True))
        attention = family.attention_out.rpartition(".")[0]
        for index, block in enumerate(self.subject.blocks):
            handles.append(hook_after(part(block, attention), self._look(index)))
        return handles

    def _keep(self, name: str) -> Callable[..., None]:
        def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self.seen[name] = given_to(call_by_name(module, args, kwargs))[0, self.start :].clone()

        return keep

    def _enter(self, name: str) -> Callable[..., Any]:
        past = self.subject.family.past

        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            call = call_by_name(module, args, kwargs)
            stream = given_to(call)
            self.seen[name] = stream[0, self.start :].clone()
            rest = {key: value for key, value in call.items() if value is not stream}
            own = call_from({key: value for key, value in rest.items() if key != past}, self.start)
            self.calls.append(
                {key: value.clone() if isinstance(value, Tensor) else value for key, value in own.items()}
            )
            self.kept.append(KeysAndValues())
            return (stream,), {**rest, past: self.kept[-1]}

        return enter

    def _look(self, index: int) -> Callable[..., None]:
        def look(_module: nn.Module, _args: Any, out: Any) -> None:
            pulse()
            pattern, seen = out[1][0, :, self.start :], self.kept[index].seen
            assert seen is not None
            weights = self.subject.folded[index].weights
            earlier = pattern[:, :, : self.start]
            value = seen[1][0, :, : self.start].repeat_interleave(
                len(weights.output) // len(weights.value), 0
            )
            brought = torch.einsum("hqe,hde->qd", earlier @ value, weights.output)
            self.brought.append(brought)
            self.patterns.append(pattern[:, :, self.start :].clone())

        return look


@torch.no_grad()
def freeze_window(subject: Model, ids: Int[Tensor, " pos"], window: int) -> Frozen:
    """The last `window` positions of a text, behind all that stands before them; all of a shorter text."""
    start = len(ids) - window
    if start <= 0:
        return freeze(subject, ids)
    found = _Window(subject, start)
    handles = found.hooks()
    try:
        out = subject.model(ids[None], use_cache=False, logits_to_keep=1)
    finally:
        for handle in handles:
            handle.remove()
    keys_values = {index: one.seen for index, one in enumerate(found.kept) if one.seen is not None}
    frozen = assemble(subject, ids[start:], found.patterns, found.seen, tuple(found.calls), out.logits[0, -1])
    layers = tuple(_with_brought(subject, index, layer, found) for index, layer in enumerate(frozen.layers))
    return replace(frozen, earlier=ids[:start], layers=layers, keys_values=keys_values)


def _with_brought(subject: Model, index: int, layer: Layer, found: _Window) -> Layer:
    """The layer with what its attention brings from before the window among its constants."""
    brought, path = found.brought[index], subject.family.post_attention
    if path is not None:
        norm = norm_on(subject, part(subject.blocks[index], path), found.seen[f"post_attention {index}"])
        brought = brought * norm.gain * norm.scale[:, None]
    return layer.with_constant(brought)
