"""Direct and total effects by one sweep down the layers, no autograd. Rows are targets, columns sources.

The recursion is that of the frozen model (`tracer.frozen`): a target's direction is carried from the last
layer to the first; at each layer it is contracted with what was written there, then moved through attention.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.frozen import Frozen, Layer
from tracer.targets import Targets

CARRIED_BYTES = 256 * 2**20  # what one batch of carried directions may take


@runtime_checkable
class Emitter(Protocol):
    """A basis laid out as columns: what was written at each layer (neurons or transcoder features)."""

    @property
    def token_column(self) -> int:
        """The first token's column."""
        ...

    @property
    def bias_column(self) -> int:
        """The column of all that no source accounts for."""
        ...

    @property
    def columns(self) -> int:
        """How many columns a row has."""
        ...

    def emit(self, index: int, carried: Tensor, out: Tensor, /) -> None:
        """Add to `out` what the sources of a layer contribute to targets that feel `carried`."""
        ...

    def constant(self, index: int, layer: Layer, /) -> Tensor | None:
        """What is written at a layer with no source at all."""
        ...

    def through(self, index: int, layer: Layer, carried: Tensor, /) -> Tensor | None:
        """What reaches the MLP's input through a linear part of it."""
        ...


@torch.no_grad()
def direct_rows(
    frozen: Frozen,
    targets: Targets,
    sources: Emitter,
    progress: Callable[[float], None] = lambda _done: None,
) -> Float[Tensor, "target column"]:
    """How far each source, by itself and directly, moves each target.

    Every row sums to its target's value. Targets are taken in batches of neighbouring positions, so that a
    batch carries only the positions up to its last one.
    """
    out = frozen.embedded.new_zeros(len(targets), sources.columns)
    order = torch.argsort(targets.position * (len(frozen.layers) + 1) - targets.layer)
    done = 0
    while done < len(order):
        batch = order[done : done + _batch_size(frozen, targets, order, done)]
        batch = batch[targets.layer[batch].argsort(descending=True, stable=True)]
        out[batch] = _sweep(frozen, targets.pick(batch), sources)
        done += len(batch)
        progress(done / len(order))
    return out


def _batch_size(frozen: Frozen, targets: Targets, order: Tensor, done: int) -> int:
    width = frozen.embedded.shape[1] * frozen.embedded.element_size()
    heads = frozen.layers[0].write_value.shape
    width += heads[0] * heads[2] * frozen.embedded.element_size()
    last = int(targets.position[order[min(done + 255, len(order) - 1)]]) + 1
    return max(1, min(256, CARRIED_BYTES // (width * last)))


def _sweep(frozen: Frozen, targets: Targets, sources: Emitter) -> Float[Tensor, "target column"]:
    """One batch, its targets ordered from the last layer down."""
    positions = int(targets.position.max()) + 1
    out = frozen.embedded.new_zeros(len(targets), sources.columns)
    bias = out[:, sources.bias_column]
    bias += targets.constant
    carried = frozen.embedded.new_zeros(positions, 0, frozen.embedded.shape[1])
    carried = _join(carried, targets, len(frozen.layers))
    for index in range(len(frozen.layers) - 1, -1, -1):
        layer = frozen.layers[index]
        live, skipped = carried.shape[1], None
        if live:
            sources.emit(index, carried, out[:live])
            constant = sources.constant(index, layer)
            if constant is not None:
                bias[:live] += torch.einsum("ptd,pd->t", carried, constant[:positions])
            skipped = sources.through(index, layer, carried)
        if not layer.parallel:
            carried = _join(_add(carried, skipped), targets, index)
        live = carried.shape[1]
        if live:
            if layer.attention_constant is not None:
                bias[:live] += torch.einsum("ptd,pd->t", carried, layer.attention_constant[:positions])
            layer.pull_attention(carried)
        if layer.parallel:
            carried = _join(_add(carried, skipped), targets, index)
    tokens = torch.einsum("ptd,pd->tp", carried, frozen.embedded[:positions])
    out[:, sources.token_column : sources.token_column + positions] = tokens
    return out


def _add(carried: Tensor, skipped: Tensor | None) -> Tensor:
    return carried if skipped is None else carried.add_(skipped)


def _join(carried: Tensor, targets: Targets, layer: int) -> Float[Tensor, "pos target d_model"]:
    """Let the targets that read at this layer join the ones on their way down."""
    here = (targets.layer == layer).nonzero()[:, 0]
    if not len(here):
        return carried
    joining = carried.new_zeros(carried.shape[0], len(here), carried.shape[2])
    joining[targets.position[here], torch.arange(len(here))] = targets.direction[here]
    return torch.cat([carried, joining], 1)


@torch.no_grad()
def total_effects(
    frozen: Frozen, target: Targets
) -> tuple[Float[Tensor, "layer pos neuron"], Float[Tensor, " pos"]]:
    """Signed effect of every neuron and token on one final target along all paths (half rule; RelP).

    Equals (I - J)^-1 on the graph of all neurons, times the activation, in one sweep.
    """
    layers, positions = frozen.layers, frozen.length
    effects = frozen.embedded.new_zeros(len(layers), positions, layers[0].acts.shape[1])
    carried = frozen.embedded.new_zeros(positions, 1, frozen.embedded.shape[1])
    carried[target.position, 0] = target.direction
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        felt, read = layer.pull_mlp(carried)
        effects[index] = felt[:, 0] * layer.acts
        if layer.parallel:
            layer.pull_attention(carried)
            carried = carried + read
        else:
            carried = carried + read
            layer.pull_attention(carried)
    return effects, (carried[:, 0] * frozen.embedded).sum(-1)
