"""What a text is explained with, on that text: its neurons, or (`feature_basis`) transcoder features.

A basis names features, reads and sets them, traces, predicts and draws controls; studies and views ask it and
never need to know which one it is. Knows no claims.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import (
    NEURONS,
    Frozen,
    Graph,
    Linear,
    Targets,
    Units,
    WrittenStream,
    activations,
    find_firing,
    find_written,
    largest,
    neuron_targets,
    total_effects,
    trace,
    write_directions,
    write_rows,
)
from tracer.errors import GraphError
from tracer.feature_ids import name_feature, read_feature
from tracer.interventions import (
    Change,
    Effect,
    NormControls,
    full_logits,
    logits_after,
    matched_controls,
    measure,
    measure_frozen,
    norm_matched_controls,
    predict_exact,
    predict_frozen,
    scale,
    swap,
)

Progress = Callable[[float], None]
Again = Callable[[Units], Change]  # the same intervention on other units


class DrawnControls(NamedTuple):
    """The same intervention on random matched groups; how many of the units had close matches."""

    changes: tuple[Change, ...]
    matched: int


@runtime_checkable
class Basis(Protocol):
    """The features of one text, whatever they are. Units' `neuron` is a feature's index in its layer."""

    frozen: Frozen

    @property
    def name(self) -> str:
        """What Graph.basis says of its features."""
        ...

    @property
    def set_name(self) -> str | None:
        """The set of transcoders; None for neurons."""
        ...

    @property
    def layers_missing(self) -> int:
        """How many layers have no features at all."""
        ...

    def name_unit(self, layer: int, position: int, index: int) -> str:
        """The id of a feature on this text."""
        ...

    def units(self, ids: Sequence[str]) -> Units:
        """The features these ids name; raises GraphError for an id that names none."""
        ...

    def activations(self, units: Units) -> Float[Tensor, " unit"]:
        """Their activations on this text."""
        ...

    def scaled(self, units: Units, factor: float) -> Change:
        """Their activations times a factor: 0 ablates."""
        ...

    def swapped(self, units: Units, donor: "Basis", shift: Int[Tensor, " unit"]) -> Change:
        """Their activations in another text, at the same positions plus `shift`."""
        ...

    def trace(self, target: Targets, nodes: int, progress: Progress) -> Graph:
        """The graph of one target over at most so many features."""
        ...

    def strongest(
        self,
        target: Targets,
        positions: Sequence[int],
        count: int,
        donor: "Basis | None",
        shift: Mapping[int, int],
    ) -> Units:
        """The features here whose own effect (from a donor: whose change of effect) is largest."""
        ...

    def predict(
        self, changes: Sequence[Change], target: Targets, tokens: tuple[int, int], readouts: Sequence[Units]
    ) -> tuple[Effect, Effect]:
        """What changes will do: by the frozen linear model, and by the live model's derivative."""
        ...

    def measure(
        self, changes: Sequence[Change], tokens: Sequence[int], readouts: Sequence[Units], progress: Progress
    ) -> Effect:
        """What changes do, everything free."""
        ...

    def measure_held(
        self, changes: Sequence[Change], target: Targets, tokens: tuple[int, int]
    ) -> Float[Tensor, " change"]:
        """By how much logit(first) - logit(second) changes with attention patterns held."""
        ...

    def full_logits(self, change: Change) -> Float[Tensor, " vocab"]:
        """The next-token logits under one change, everything free."""
        ...

    def logits_after(self, changes: Sequence[Change]) -> Iterator[tuple[Float[Tensor, " vocab"], float]]:
        """The same for many changes, one after the other, each with the share of them that is done."""
        ...

    def controls(self, units: Units, again: Again, count: int, seed: int) -> DrawnControls:
        """The same intervention on random groups, matched unit by unit by layer, position, |activation|."""
        ...

    def norm_controls(self, change: Change, count: int, seed: int) -> NormControls:
        """Random others at the same places, turned down until they move the stream as far as `change`."""
        ...

    def write_directions(self, units: Units) -> Float[Tensor, "unit d_model"]:
        """What each adds to the stream in all, sign and size included."""
        ...

    def firing(self, units: Units) -> list[list[int]]:
        """The positions where each fires on this text, strongest first."""
        ...

    def targets(self, units: Units) -> Targets:
        """What each reads."""
        ...

    def written_by(self, units: Units, tokens: Sequence[int]) -> dict[int, WrittenStream]:
        """What these and the tokens at these positions add to the stream, by layer."""
        ...

    @property
    def linear(self) -> Linear | None:
        """What of the MLPs passes on directly: affine skips."""
        ...


class Neurons:
    """The signed neurons of one text: exact for any model."""

    name = NEURONS
    set_name: str | None = None
    layers_missing: int = 0
    linear: Linear | None = None

    def __init__(self, frozen: Frozen) -> None:
        self.frozen = frozen

    def name_unit(self, layer: int, position: int, index: int) -> str:
        """L11.N1234+@5: layer 11, neuron 1234, positive, at position 5."""
        sign = "+" if self.frozen.layers[layer].acts[position, index] >= 0 else "-"
        return name_feature(layer, index, sign, position)

    def units(self, ids: Sequence[str]) -> Units:
        """The neurons these ids name; raises GraphError for an id that names none."""
        frozen, parsed = self.frozen, sorted(parse_unit(name) for name in ids)
        for layer, position, neuron in parsed:
            there = layer < len(frozen.layers) and position < frozen.length
            if not (there and neuron < frozen.subject.neurons):
                name = f"L{layer}.N{neuron}"  # whatever its sign
                raise GraphError(f"There is no neuron {name} at position {position} of this text.")
        return units_at(parsed)

    def activations(self, units: Units) -> Float[Tensor, " unit"]:
        """Their activations on this text."""
        return activations(self.frozen, units)

    def scaled(self, units: Units, factor: float) -> Change:
        """Their activations times a factor: 0 ablates."""
        return scale(self.frozen, units, factor)

    def swapped(self, units: Units, donor: "Basis", shift: Int[Tensor, " unit"]) -> Change:
        """Their activations in another text, at the same positions plus `shift`."""
        return swap(units, donor.frozen, shift)

    def trace(self, target: Targets, nodes: int, progress: Progress) -> Graph:
        """The graph of one target over at most so many neurons."""
        return trace(self.frozen, target, "LD", nodes=nodes, progress=progress)

    def strongest(
        self,
        target: Targets,
        positions: Sequence[int],
        count: int,
        _donor: "Basis | None",
        _shift: Mapping[int, int],
    ) -> Units:
        """The neurons here with the largest total effect; those of a donor are the same ones."""
        effects, _ = total_effects(self.frozen, target)
        size = torch.zeros_like(effects)
        size[:, list(positions)] = effects[:, list(positions)].abs()
        length, neurons = size.shape[1:]
        best = largest(size.flatten(), min(count, int((size > 0).sum()))).sort().values
        return Units(best // (length * neurons), best // neurons % length, best % neurons)

    def predict(
        self, changes: Sequence[Change], target: Targets, tokens: tuple[int, int], readouts: Sequence[Units]
    ) -> tuple[Effect, Effect]:
        """By the frozen linear model (half rule) and by the exact Jacobian."""
        still = predict_frozen(self.frozen, changes, target.direction[0], readouts)
        return still, predict_exact(self.frozen, changes, tokens, readouts)

    def measure(
        self, changes: Sequence[Change], tokens: Sequence[int], readouts: Sequence[Units], progress: Progress
    ) -> Effect:
        """What changes do, everything free."""
        return measure(self.frozen, changes, tokens, readouts, progress)

    def measure_held(
        self, changes: Sequence[Change], target: Targets, _tokens: tuple[int, int]
    ) -> Float[Tensor, " change"]:
        """With attention patterns and norm scales held, the neurons live."""
        return measure_frozen(self.frozen, changes, target.direction[0]).logits[:, 0]

    def full_logits(self, change: Change) -> Float[Tensor, " vocab"]:
        """The next-token logits under one change, everything free."""
        return full_logits(self.frozen, change)

    def logits_after(self, changes: Sequence[Change]) -> Iterator[tuple[Float[Tensor, " vocab"], float]]:
        """The same for many changes, one after the other, each with the share of them that is done."""
        return logits_after(self.frozen, changes)

    def controls(self, units: Units, again: Again, count: int, seed: int) -> DrawnControls:
        """The same intervention on random other neurons."""
        drawn = matched_controls(self.frozen, units, count, seed)
        return DrawnControls(tuple(again(one) for one in drawn.sets), drawn.matched)

    def norm_controls(self, change: Change, count: int, seed: int) -> NormControls:
        """Random other neurons, turned down until they move the stream as far as `change`."""

        def pool(layer: int, position: int) -> tuple[Int[Tensor, " neuron"], Float[Tensor, " neuron"]]:
            acts = self.frozen.layers[layer].acts[position]
            active = acts.nonzero()[:, 0]
            return active, acts[active]

        own = self.activations(change.units)
        return norm_matched_controls(change, own, partial(write_rows, self.frozen), pool, count, seed)

    def write_directions(self, units: Units) -> Float[Tensor, "unit d_model"]:
        """What each adds to the stream, sign and size included."""
        return write_directions(self.frozen, units)

    def firing(self, units: Units) -> list[list[int]]:
        """The positions where each fires with its sign here, strongest first."""
        return find_firing(self.frozen, units)

    def targets(self, units: Units) -> Targets:
        """What each reads, by the half rule."""
        return neuron_targets(self.frozen, *units)

    def written_by(self, units: Units, tokens: Sequence[int]) -> dict[int, WrittenStream]:
        """What these and the tokens at these positions add to the stream, by layer."""
        return find_written(self.frozen, units, tokens)


def units_at(places: Sequence[tuple[int, int, int]]) -> Units:
    """Units from (layer, position, index), in this order."""
    columns = list(zip(*places, strict=True)) or [(), (), ()]
    return Units(*(torch.tensor(column, dtype=torch.long) for column in columns))


def parse_unit(name: str) -> tuple[int, int, int]:
    """(layer, position, neuron) of an id; raises GraphError for anything else."""
    found = read_feature(name)
    if found is None or not found.sign or found.position is None:
        raise GraphError(f"{name!r} is not the id of a feature (such as L11.N1234+@5).")
    return found.layer, found.position, found.number
