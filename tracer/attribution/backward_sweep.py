"""Direct and total effects by one sweep down the layers, no autograd. Rows are targets, columns sources.

The recursion is that of the frozen model (`tracer.attribution.frozen_text`): a target's direction is
carried from the last layer to the first; at each layer it is contracted with what was written there, then
moved through attention.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.frozen_text import Frozen, Layer
from tracer.attribution.targets import Targets
from tracer.cancellation import pulse

CARRIED_BYTES = 96 * 2**20  # what one batch of carried directions and its scratch may take
AT_ONCE = 256  # targets of a batch
WASTED = 64  # positions carried in vain that cost about what a batch of its own does


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
        """Put into `out` what the sources of a layer contribute to targets that feel `carried`."""
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
    *,
    products: torch.dtype | None = None,
) -> Float[Tensor, "target column"]:
    """How far each source, by itself and directly, moves each target.

    With `products` (bfloat16), directions are moved through attention in that precision, sums and
    contractions stay as they are: faster where the processor has such products, wrong by about a percent.
    Every row sums to its target's value. Memory beside the rows themselves: CARRIED_BYTES, however many
    targets there are. Targets in the order of `batches` are written in place, others by way of a copy.
    """
    out = frozen.embedded.new_zeros(len(targets), sources.columns)
    scratch: Tensor | None = None
    done = 0
    for batch in batches(frozen, targets):
        first, size = int(batch[0]), len(batch)
        in_place = torch.equal(batch, torch.arange(first, first + size, device=batch.device))
        rows = out[first : first + size] if in_place else out.new_zeros(size, sources.columns)
        scratch = _sweep(frozen, targets.pick(batch), sources, rows, scratch, products)
        if not in_place:
            out[batch] = rows
        done += size
        progress(done / len(targets))
    return out


def batches(frozen: Frozen, targets: Targets) -> list[Int[Tensor, " some"]]:
    """Targets that are swept together: neighbouring positions, ordered from the last layer down.

    A batch carries only the positions up to its last one; a later position begins a new batch where its
    targets would make those before them carry more than WASTED positions in vain.
    """
    order = torch.argsort(targets.position * (len(frozen.layers) + 1) - targets.layer, stable=True)
    places, counts = targets.position[order].unique_consecutive(return_counts=True)
    together: list[int] = []  # how many targets are of neighbouring positions
    last = 0
    for place, count in zip(places.tolist(), counts.tolist(), strict=True):
        if not together or together[-1] * (place - last) > WASTED:
            together.append(0)
        together[-1] += count
        last = place
    shape = frozen.layers[0].write_value.shape
    width = (frozen.embedded.shape[1] + 2 * shape[0] * shape[2]) * frozen.embedded.element_size()
    found = []
    for some in order.split(together):
        carried = width * (int(targets.position[some[-1]]) + 1)
        for batch in some.split(max(1, min(AT_ONCE, CARRIED_BYTES // carried))):
            found.append(batch[targets.layer[batch].argsort(descending=True, stable=True)])
    return found


def _sweep(
    frozen: Frozen,
    targets: Targets,
    sources: Emitter,
    out: Float[Tensor, "target column"],
    memory: Float[Tensor, " _"] | None,
    products: torch.dtype | None,
) -> Float[Tensor, " _"]:
    """One batch, its targets ordered from the last layer down, into `out`; gives its memory for the next.

    Targets join when their layer is reached: those on their way are always the first ones. Until its first
    attention a target feels its own position only.
    """
    layers, positions = frozen.layers, int(targets.position.max()) + 1
    size, width = len(targets) * positions, frozen.embedded.shape[1]
    needed = size * width + layers[0].scratch_size(len(targets), positions)
    if memory is None or len(memory) < needed:
        memory = frozen.embedded.new_empty(needed)
    carried, scratch = memory[: size * width].view(-1, positions, width).zero_(), memory[size * width :]
    carried[torch.arange(len(targets), device=carried.device), targets.position] = targets.direction
    joined = [int((targets.layer >= index).sum()) for index in range(len(layers) + 1)]
    bias = out[:, sources.bias_column]
    bias += targets.constant
    live, moved = joined[-1], 0  # on their way; of these, past their first attention
    for index in range(len(layers) - 1, -1, -1):
        pulse()
        layer, felt, skipped = layers[index], carried[:live], None
        if live:
            sources.emit(index, felt, out[:live])
            _add_constant(bias, felt, sources.constant(index, layer))
            skipped = sources.through(index, layer, felt)
        if not layer.parallel:
            if skipped is not None:
                felt += skipped
            live = joined[index]
        _add_constant(bias, carried[:live], layer.attention_constant)
        if products is None and (live - moved) * (positions - 2) <= WASTED:
            # apart, a target that just joined costs as much as two positions
            moved = live
        felt_at = targets.position[moved:live]
        _through_attention(layer, (carried[:moved], carried[moved:live]), felt_at, scratch, products)
        moved = live
        if layer.parallel:
            if skipped is not None:
                felt += skipped
            live = joined[index]
    tokens = torch.einsum("tpd,pd->tp", carried, frozen.embedded[:positions])
    out[:, sources.token_column : sources.token_column + positions] = tokens
    return memory


def _through_attention(
    layer: Layer,
    carried: tuple[Tensor, Tensor],
    position: Int[Tensor, " fresh"],
    scratch: Float[Tensor, " _"],
    products: torch.dtype | None,
) -> None:
    """Move directions through a layer's attention: those on their way, and those that just joined."""
    going, fresh = carried
    if len(going) and products is None:
        layer.pull_attention(going, scratch)
    elif len(going) and products is not None:
        layer.pull_attention_in(products, going)
    if len(fresh):
        layer.pull_attention_at(fresh, position)


def _add_constant(
    bias: Float[Tensor, " target"],
    felt: Float[Tensor, "live pos d_model"],
    constant: Float[Tensor, "all_pos d_model"] | None,
) -> None:
    if constant is not None and len(felt):
        bias[: len(felt)] += felt.flatten(1) @ constant[: felt.shape[1]].flatten()


@torch.no_grad()
def total_effects(
    frozen: Frozen, target: Targets
) -> tuple[Float[Tensor, "layer pos neuron"], Float[Tensor, " pos"]]:
    """Signed effect of every neuron and token on one final target along all paths (half rule; RelP).

    Equals (I - J)^-1 on the graph of all neurons, times the activation, in one sweep.
    """
    layers, positions = frozen.layers, frozen.length
    effects = frozen.embedded.new_zeros(len(layers), positions, layers[0].acts.shape[1])
    carried = frozen.embedded.new_zeros(1, positions, frozen.embedded.shape[1])
    carried[0, target.position] = target.direction
    for index in range(len(layers) - 1, -1, -1):
        pulse()
        layer = layers[index]
        felt, read = layer.pull_mlp(carried)
        effects[index] = felt[0] * layer.acts
        if layer.parallel:
            layer.pull_attention(carried)
            carried = carried + read
        else:
            carried = carried + read
            layer.pull_attention(carried)
    return effects, (carried[0] * frozen.embedded).sum(-1)
