"""trace_transcoders(): the attribution graph of a text over transcoder features.

Features are chosen by their influence in the graph known so far, round by round, as circuit-tracer does.
Knows no files and no names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.crosslayer import FeatureSources, feature_sources
from tracer.frozen import Frozen
from tracer.graph import KINDS, TRANSCODERS, Graph, Kind, walk
from tracer.rows import direct_rows
from tracer.subject import Subject
from tracer.targets import Targets, likeliest, logit_targets
from tracer.transcoders import Active, Transcoders, active_features, feature_targets

A_ROUND = 2048  # features expanded between two rankings
CHAT_PREFIX = [2, 105, 2364, 107]  # <bos><start_of_turn>user and a line break, in Gemma 3


@dataclass(frozen=True, slots=True)
class Roots:
    """What is explained: one or more targets at the final stream, with names and weights."""

    targets: Targets
    names: tuple[str, ...]
    weights: Float[Tensor, " root"]


def likeliest_roots(frozen: Frozen, count: int = 10, share: float = 0.95) -> Roots:
    """The likeliest next tokens, weighted by their probability (circuit-tracer's default)."""
    found = likeliest(frozen.logits, count, share)
    names = tuple(frozen.subject.token_texts([token for token, _ in found]))
    weights = frozen.embedded.new_tensor([p for _, p in found])
    return Roots(logit_targets(frozen, [token for token, _ in found]), names, weights)


@torch.no_grad()
def trace_transcoders(
    frozen: Frozen,
    transcoders: Transcoders,
    roots: Roots | None = None,
    *,
    max_feature_nodes: int = 4096,
    a_round: int = A_ROUND,
    zero_positions: int | None = None,
    rest_apart: bool = False,
    progress: Callable[[float], None] = lambda _done: None,
) -> Graph:
    """The graph of these roots (the likeliest next tokens) over at most `max_feature_nodes` features.

    No feature fires at the first `zero_positions` positions (where None: the begin-of-sequence token); what
    the MLPs write there goes to BOS nodes. Active features that are not chosen are merged into the error of
    their layer and position, or with `rest_apart` into one node of their own.
    """
    roots = roots or likeliest_roots(frozen)
    zero = int(frozen.bos) if zero_positions is None else zero_positions
    active = active_features(frozen, transcoders, zero)
    sources = feature_sources(frozen, transcoders, active)
    ends = direct_rows(frozen, roots.targets, sources)
    rows, chosen = ends[:0], torch.zeros(0, dtype=torch.long, device=ends.device)
    budget = min(max_feature_nodes, len(active.acts))
    counted = _counted(sources, frozen.length, zero)
    while len(chosen) < budget:
        influence = _influence(rows, ends, chosen, roots.weights, counted)[: len(active.acts)]
        influence[chosen] = -1.0
        best = influence.argsort(descending=True)[: min(a_round, budget - len(chosen))]
        targets = feature_targets(frozen, transcoders, active.pick(best))
        done = len(chosen)
        rows = torch.cat(
            [rows, direct_rows(frozen, targets, sources, _within(progress, done, len(best), budget))]
        )
        chosen = torch.cat([chosen, best])
    order = chosen.argsort()
    edges = _edges(sources, torch.cat([rows[order], ends]), chosen[order], rest_apart)
    return _graph(frozen, active.pick(chosen[order]), roots, edges, zero, rest_apart)


def _within(progress: Callable[[float], None], done: int, some: int, budget: int) -> Callable[[float], None]:
    """Progress of one round as progress of all."""
    return lambda share: progress((done + share * some) / budget)


def _counted(sources: FeatureSources, positions: int, zero: int) -> Float[Tensor, " column"]:
    """1 for columns that share a row's influence; not the biases and what is written at zero positions."""
    counted = torch.ones(sources.columns)
    counted[sources.bias_column] = 0
    counted[sources.error_column : sources.token_column].view(-1, positions)[:, :zero] = 0
    return counted


def _influence(
    rows: Float[Tensor, "unit column"],
    ends: Float[Tensor, "root column"],
    chosen: Int[Tensor, " unit"],
    weights: Float[Tensor, " root"],
    counted: Float[Tensor, " column"],
) -> Float[Tensor, " column"]:
    """Influence of every column, given the rows known so far; features without a row pass nothing on."""
    order = chosen.argsort()
    shares = torch.cat([rows[order], ends]).abs_() * counted.to(ends)
    shares /= shares.sum(1, keepdim=True).clamp_min(1e-30)
    inner = shares[:, chosen[order]].double()
    visits = torch.cat([walk(inner, weights.double()), weights.double()])
    return visits.to(shares) @ shares


def _edges(
    sources: FeatureSources,
    rows: Float[Tensor, "target column"],
    chosen: Int[Tensor, " unit"],
    rest_apart: bool,
) -> Float[Tensor, "target source"]:
    """Rows over the graph's own sources."""
    inside, outside = rows[:, chosen], rows[:, sources.error_column :].clone()
    left_out = torch.ones(sources.error_column, dtype=torch.bool, device=rows.device)
    left_out[chosen] = False
    units = sources.active.units.pick(left_out)
    if rest_apart:
        return torch.cat(
            [inside, outside, rows[:, : sources.error_column][:, left_out].sum(1, keepdim=True)], 1
        )
    positions = sources.bias_column - sources.token_column
    outside.index_add_(
        1, units.layer * positions + units.position, rows[:, : sources.error_column][:, left_out]
    )
    return torch.cat([inside, outside], 1)


def _graph(frozen: Frozen, chosen: Active, roots: Roots, edges: Tensor, zero: int, rest_apart: bool) -> Graph:
    layers, positions, units = len(frozen.layers), frozen.length, chosen.units
    block_layer = torch.arange(layers).repeat_interleave(positions)
    block_position, spots = torch.arange(positions).repeat(layers), torch.arange(positions)
    last = torch.tensor([KINDS.index(Kind.BIAS), *[KINDS.index(Kind.REST)] * rest_apart])
    none = torch.full_like(last, -1)
    kind = torch.cat(
        [
            torch.full((len(chosen.acts),), KINDS.index(Kind.FEATURE)),
            torch.where(block_position < zero, KINDS.index(Kind.BOS), KINDS.index(Kind.ERROR)),
            torch.where((spots == 0) & frozen.bos, KINDS.index(Kind.BOS), KINDS.index(Kind.TOKEN)),
            last,
        ]
    )
    others = len(kind) - len(chosen.acts)
    return Graph(
        kind=kind,
        layer=torch.cat([units.layer, block_layer, torch.full((positions,), -1), none]),
        position=torch.cat([units.position, block_position, spots, none]),
        neuron=torch.cat([units.neuron, torch.full((others,), -1)]),
        activation=torch.cat([chosen.acts, chosen.acts.new_zeros(others)]),
        effect=_effects(edges, chosen.acts, kind),
        edges=edges,
        value=torch.cat([chosen.acts, roots.targets.value]),
        tokens=frozen.tokens,
        layers=layers,
        roots=roots.names,
        weights=roots.weights,
        basis=TRANSCODERS,
    )


def _effects(edges: Tensor, acts: Float[Tensor, " unit"], kind: Tensor) -> Float[Tensor, " source"]:
    """Signed effect on the first root along all paths of the graph (features and tokens; else 0)."""
    slopes = edges[: len(acts)].double() / acts.double()[:, None]
    eye = torch.eye(len(acts), dtype=slopes.dtype)
    root = edges[len(acts)].double()
    through = torch.linalg.solve_triangular(
        (eye - slopes[:, : len(acts)]).T, root[: len(acts), None], upper=True
    )
    effects = root + through[:, 0] @ slopes
    no_effect = torch.isin(kind, torch.tensor([KINDS.index(k) for k in (Kind.ERROR, Kind.BIAS, Kind.REST)]))
    effects[no_effect] = 0
    out: Tensor = effects.to(edges.dtype)
    return out


def named_roots(targets: Targets, names: Sequence[str], weights: Sequence[float]) -> Roots:
    """Any final targets as roots: chosen tokens, answer minus foil, a direction."""
    return Roots(targets, tuple(names), targets.value.new_tensor(list(weights)))


def text_ids(subject: Subject, text: str, limit: int) -> Int[Tensor, " pos"]:
    """Token ids that begin with exactly one special token, as transcoders were trained to expect.

    Where the tokeniser adds none (Qwen 3) its begin, padding or end token is put first.
    """
    ids = subject.encode(text, limit)
    tokenizer = subject.tokenizer
    named = (
        tokenizer.bos_token_id,
        tokenizer.pad_token_id,
        tokenizer.eos_token_id,
        *tokenizer.all_special_ids,
    )
    first = next((int(i) for i in named if i is not None), None)  # an id of 0 counts
    if first is None:
        return ids
    while len(ids) > 1 and int(ids[0]) == int(ids[1]) == first:
        ids = ids[1:]
    if int(ids[0]) in tokenizer.all_special_ids:
        return ids
    return torch.cat([ids.new_tensor([first]), ids])


def zero_positions_of(subject: Subject, ids: Int[Tensor, " pos"]) -> int:
    """How many first positions hold no feature: the special token, or the whole prefix of a Gemma 3 chat."""
    is_chat = ids[: len(CHAT_PREFIX)].tolist() == CHAT_PREFIX
    return len(CHAT_PREFIX) if is_chat and "gemma3_text" in subject.family.model_types else 1
