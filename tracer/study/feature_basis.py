"""The transcoder features of one text as a basis: the same questions as for neurons, the peer's semantics.

A feature set to a value adds (value - activation) times its decoder rows; what the transcoder leaves over
stays. Knows no files and no claims.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import (
    FIRES,
    TRANSCODERS,
    Frozen,
    Graph,
    Layer,
    Linear,
    Targets,
    Units,
    WrittenStream,
    largest,
)
from tracer.errors import GraphError
from tracer.feature_ids import name_feature, read_feature
from tracer.interventions import (
    VOCABULARIES,
    Change,
    Effect,
    Hold,
    NormControls,
    activations_on,
    effect_of_writes,
    felt_by_writes,
    matched_features,
    norm_matched_controls,
    predict_by_graph,
    predict_live,
    set_features,
)
from tracer.study.basis import Again, Basis, DrawnControls, Progress, units_at
from tracer.transcoders import (
    Active,
    Transcoders,
    active_features,
    feature_targets,
    named_roots,
    read_norm,
    through_skip,
    trace_transcoders,
    zero_positions_of,
)


class Skips:
    """The affine skips of a set: what of an MLP's input reaches its output with no feature in between."""

    def __init__(self, transcoders: Transcoders) -> None:
        self._transcoders = transcoders

    def pull(self, index: int, layer: Layer, carried: Tensor) -> Float[Tensor, "target pos d_model"] | None:
        """What is felt at the MLP's input of what is felt at its output."""
        return through_skip(self._transcoders, index, layer, carried)

    def push(
        self, index: int, layer: Layer, x: Float[Tensor, "batch pos d_model"]
    ) -> Float[Tensor, "batch pos d_model"] | None:
        """What is written for a change of the MLP's input."""
        skip = self._transcoders.layers[index].skip
        if skip is None:
            return None
        norm, gain = read_norm(layer, self._transcoders.reads), self._transcoders.gain(layer)
        out = (x if norm is None else norm.push(x)) @ skip.to(x)
        return out if gain is None else out * gain


class Features:
    """The active features of a transcoder set on one text."""

    name = TRANSCODERS

    def __init__(self, frozen: Frozen, transcoders: Transcoders) -> None:
        self.frozen, self.transcoders = frozen, transcoders
        self.set_name: str | None = transcoders.name
        self.layers_missing = len(transcoders.missing)
        self.zero = zero_positions_of(frozen.subject, frozen.ids)

    @cached_property
    def active(self) -> Active:
        """What fires, sorted by (layer, position, feature)."""
        return active_features(self.frozen, self.transcoders, self.zero)

    @cached_property
    def linear(self) -> Linear | None:
        """The set's affine skips, where it has any."""
        has_skips = any(layer.skip is not None for layer in self.transcoders.layers)
        return Skips(self.transcoders) if has_skips else None

    def name_unit(self, layer: int, position: int, index: int) -> str:
        """L11.F1234@5: layer 11, feature 1234, at position 5."""
        return name_feature(layer, index, "", position)

    def units(self, ids: Sequence[str]) -> Units:
        """The features these ids name; raises GraphError for an id that names none."""
        parsed = sorted(parse_feature(name) for name in ids)
        for layer, position, feature in parsed:
            there = layer < len(self.frozen.layers) and position < self.frozen.length
            if not (there and feature < len(self.transcoders.layers[layer].encoder_bias)):
                name = name_feature(layer, feature)
                raise GraphError(f"There is no feature {name} at position {position} of this text.")
        return units_at(parsed)

    def activations(self, units: Units) -> Float[Tensor, " unit"]:
        """Their activations on this text."""
        return activations_on(self.frozen, self.transcoders, units, self.zero)

    def scaled(self, units: Units, factor: float) -> Change:
        """Their activations times a factor: 0 ablates."""
        return Change(units, self.activations(units) * factor)

    def swapped(self, units: Units, donor: Basis, shift: Int[Tensor, " unit"]) -> Change:
        """Their activations in another text, at the same positions plus `shift`."""
        there = Units(units.layer, units.position + shift, units.neuron)
        if (
            len(units)
            and not 0 <= int(there.position.min()) <= int(there.position.max()) < donor.frozen.length
        ):
            raise GraphError("The other text has no token at that position to take activations from.")
        return Change(units, donor.activations(there))

    def trace(self, target: Targets, nodes: int, progress: Progress) -> Graph:
        """The graph of one target over at most so many features."""
        roots = named_roots(target, ("LD",), (1.0,))
        return trace_transcoders(
            self.frozen,
            self.transcoders,
            roots,
            max_feature_nodes=nodes,
            zero_positions=self.zero,
            progress=progress,
        )

    def strongest(
        self,
        target: Targets,
        positions: Sequence[int],
        count: int,
        donor: Basis | None,
        shift: Mapping[int, int],
    ) -> Units:
        """The features here, or there in a donor, whose effect changes most when they are taken over.

        Without a donor: those with the largest effect. Effects are along all paths of active features.
        """
        places = set(_at(self.active.units, {p: p for p in positions}))
        if isinstance(donor, Features):
            places |= set(_at(donor.active.units, {shift.get(p, p): p for p in positions}))
        units = units_at(sorted(places))
        by = self.activations(units)
        if donor is not None:
            moved = torch.tensor([shift.get(p, p) - p for p in units.position.tolist()], dtype=torch.long)
            by = self.swapped(units, donor, moved).values - by
        felt = felt_by_writes(self.frozen, self.transcoders, self.active, target)
        size = (effect_of_writes(self.transcoders, felt, units) * by).abs()
        return units.pick(largest(size, min(count, int((size > 0).sum()))).sort().values)

    def predict(
        self, changes: Sequence[Change], target: Targets, tokens: tuple[int, int], readouts: Sequence[Units]
    ) -> tuple[Effect, Effect]:
        """By the graph of all active features, and by the derivative of the live model with its own MLPs."""
        on = (self.frozen, self.transcoders)
        still = predict_by_graph(*on, self.active, changes, target.direction[0], readouts, self.zero)
        return still, predict_live(*on, changes, tokens, readouts, self.zero)

    def measure(
        self, changes: Sequence[Change], tokens: Sequence[int], readouts: Sequence[Units], progress: Progress
    ) -> Effect:
        """What changes do, everything free."""
        done = set_features(
            self.frozen,
            self.transcoders,
            changes,
            Hold(attention=False, zero_positions=self.zero),
            tokens=tokens,
            readouts=readouts,
            progress=progress,
        )
        return Effect(done.logits, done.readouts)

    def measure_held(
        self, changes: Sequence[Change], _target: Targets, tokens: tuple[int, int]
    ) -> Float[Tensor, " change"]:
        """With attention patterns held, norms and MLPs live: circuit-tracer's default."""
        held = Hold(zero_positions=self.zero)
        logits = set_features(self.frozen, self.transcoders, changes, held, tokens=tokens).logits
        clean = self.frozen.logits[list(tokens)]
        return (logits[:, 0] - logits[:, 1]) - (clean[0] - clean[1])

    def full_logits(self, change: Change) -> Float[Tensor, " vocab"]:
        """The next-token logits under one change, everything free."""
        free = Hold(attention=False, zero_positions=self.zero)
        return set_features(self.frozen, self.transcoders, [change], free).logits[0]

    def logits_after(self, changes: Sequence[Change]) -> Iterator[tuple[Float[Tensor, " vocab"], float]]:
        """The same for many changes, one after the other, each with the share of them that is done."""
        free = Hold(attention=False, zero_positions=self.zero)
        for first in range(0, len(changes), VOCABULARIES):
            batch = changes[first : first + VOCABULARIES]
            logits = set_features(self.frozen, self.transcoders, batch, free).logits
            for index, row in enumerate(logits, first + 1):
                yield row, index / len(changes)

    def controls(self, units: Units, again: Again, count: int, seed: int) -> DrawnControls:
        """The same intervention on random other features that fire."""
        own = again(units)
        drawn = matched_features(self.active, own, self.activations(units), self.widths, count, seed)
        changes = []
        for some in drawn.sets:
            like = again(some.units)
            # one that does not fire here cannot lose what it has: it is moved as far as the one it stands for
            values = torch.where(some.fires, like.values, self.activations(some.units) + some.by)
            changes.append(Change(some.units, values))
        return DrawnControls(tuple(changes), drawn.matched)

    def norm_controls(self, change: Change, count: int, seed: int) -> NormControls:
        """Random others that fire there, turned down until they move the stream as far as `change`."""

        def pool(layer: int, position: int) -> tuple[Int[Tensor, " feature"], Float[Tensor, " feature"]]:
            active = self.active.units
            here = (active.layer == layer) & (active.position == position)
            return active.neuron[here], self.active.acts[here]

        def rows(units: Units) -> Float[Tensor, "unit d_model"]:
            out = self.frozen.embedded.new_zeros(len(units), self.frozen.embedded.shape[1])
            for at, _, one in self._writes(units, each=torch.ones(len(units), dtype=out.dtype)):
                out[at] += one
            return out

        return norm_matched_controls(change, self.activations(change.units), rows, pool, count, seed)

    @property
    def widths(self) -> list[int]:
        """How many features each layer has."""
        return [len(layer.encoder_bias) for layer in self.transcoders.layers]

    def write_directions(self, units: Units) -> Float[Tensor, "unit d_model"]:
        """What each adds to the stream in all its layers, size included."""
        out = self.frozen.embedded.new_zeros(len(units), self.frozen.embedded.shape[1])
        for at, _, rows in self._writes(units):
            out[at] += rows
        return out

    def firing(self, units: Units) -> list[list[int]]:
        """The positions where each fires on this text, strongest first."""
        own, out = self.active.units, []
        for layer, feature in zip(units.layer.tolist(), units.neuron.tolist(), strict=True):
            here = ((own.layer == layer) & (own.neuron == feature)).nonzero()[:, 0]
            acts = self.active.acts[here]
            order = acts.argsort(descending=True, stable=True)
            fires = [i for i in order.tolist() if acts[i] > 0 and acts[i] >= FIRES * acts.max()]
            out.append([int(own.position[here[i]]) for i in fires])
        return out

    def targets(self, units: Units) -> Targets:
        """What each reads: its encoder row."""
        return feature_targets(self.frozen, self.transcoders, Active(units, self.activations(units)))

    def written_by(self, units: Units, tokens: Sequence[int]) -> dict[int, WrittenStream]:
        """What these and the tokens at these positions add to the stream, by layer."""
        at = torch.tensor(tokens, dtype=torch.long, device=self.frozen.embedded.device)
        out = {-1: WrittenStream(at, self.frozen.embedded[at])} if tokens else {}
        for some, layer, rows in self._writes(units):
            new = WrittenStream(units.position[some], rows)
            old = out.get(layer)
            out[layer] = (
                new
                if old is None
                else WrittenStream(*(torch.cat(pair) for pair in zip(old, new, strict=True)))
            )
        return out

    def _writes(
        self, units: Units, each: Float[Tensor, " unit"] | None = None
    ) -> list[tuple[Tensor, int, Float[Tensor, "some d_model"]]]:
        """(which of the units, the layer written at, what) for every layer each writes at.

        `each`: how active they are; as on the text where it is not given.
        """
        acts, found = self.activations(units) if each is None else each, []
        for index in units.layer.unique().tolist():
            at = (units.layer == index).nonzero()[:, 0]
            rows = self.transcoders.layers[index].writing(units.neuron[at], acts) * acts[at, None, None]
            for step in range(rows.shape[1]):
                gain = self.transcoders.gain(self.frozen.layers[index + step])
                own = rows[:, step] if gain is None else rows[:, step] * gain[units.position[at]]
                found.append((at, index + step, own))
        return found


def _at(units: Units, places: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """(layer, own position, feature) of the units at these positions, each mapped to an own one."""
    columns = (column.tolist() for column in units)
    return [(layer, places[p], feature) for layer, p, feature in zip(*columns, strict=True) if p in places]


def parse_feature(name: str) -> tuple[int, int, int]:
    """(layer, position, feature) of an id; raises GraphError for anything else."""
    found = read_feature(name)
    if found is None or found.sign or found.position is None:
        raise GraphError(f"{name!r} is not the id of a transcoder feature (such as L11.F1234@5).")
    return found.layer, found.position, found.number
