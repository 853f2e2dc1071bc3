"""Neurons held while a model writes on: at their places in the text, or as long as it writes.

A unit of the text is a neuron at a position. Behind the text the same neurons are multiplied where they fire
with the sign they have there; what they took over from another text has no place behind it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from tracer.errors import GraphError
from tracer.interventions import Change
from tracer.models import HeldPass, hook_before, part
from tracer.study.study import Study


def hold_neurons(study: Study, change: Change, factor: float, *, always: bool) -> HeldPass:
    """What `write_on` enters round each pass; raises GraphError for transcoder features."""
    if study.set_name is not None:
        raise GraphError("Only neurons can be held while the model writes on, not transcoder features.")
    subject, length, units = study.subject, len(study.ids), change.units
    own = study.basis.activations(units)
    by_layer = {int(layer): units.layer == layer for layer in units.layer.unique()}

    def hook(layer: int, first: int) -> Any:
        here = by_layer[layer]
        position, neuron, value = units.position[here], units.neuron[here], change.values[here]
        sign = own[here].sign()

        def put(_module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor]:
            acts = args[0].clone()
            reached = study.before + position - first
            inside = (reached >= 0) & (reached < acts.shape[1])
            acts[0, reached[inside], neuron[inside]] = value[inside].to(acts)
            if always and first + acts.shape[1] > length:
                later = acts[0, max(length - first, 0) :]
                some = later[:, neuron]
                later[:, neuron] = some.where(some * sign < 0, some * factor)
            return (acts,)

        return put

    @contextmanager
    def held(first: int, _count: int) -> Iterator[None]:
        handles = [
            hook_before(part(subject.blocks[layer], subject.family.down), hook(layer, first))
            for layer in by_layer
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    return held
