"""trace_transcoders(): the attribution graph of a text over transcoder features.

Features are chosen by their influence in the graph known so far, round by round, as circuit-tracer does.
Knows no files and no names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import (
    KINDS,
    TRANSCODERS,
    Frozen,
    Graph,
    Kind,
    Targets,
    batches,
    direct_rows,
    expand_certified,
    expect_influence,
    influence,
    likeliest_tokens,
    logit_targets,
    rests_on_first,
    select_strongest,
    sum_sizes,
)
from tracer.models import Model, check_products
from tracer.transcoders.sources import FeatureSources, feature_sources
from tracer.transcoders.transcoders import Active, Transcoders, active_features, feature_targets

A_ROUND = 2048  # features expanded between two rankings
SAMPLE = 16  # rows whose rounding error is measured
CHAT_PREFIX = [2, 105, 2364, 107]  # <bos><start_of_turn>user and a line break, in Gemma 3


@dataclass(frozen=True, slots=True)
class Roots:
    """What is explained: one or more targets at the final stream, with names and weights."""

    targets: Targets
    names: tuple[str, ...]
    weights: Float[Tensor, " root"]


def likeliest_roots(frozen: Frozen, count: int = 10, share: float = 0.95) -> Roots:
    """The likeliest next tokens, weighted by their probability (circuit-tracer's default)."""
    found = likeliest_tokens(frozen.logits, count, share)
    names = tuple(frozen.subject.token_texts([token for token, _ in found]))
    weights = frozen.embedded.new_tensor([p for _, p in found])
    return Roots(logit_targets(frozen, [token for token, _ in found]), names, weights)


@torch.no_grad()
def trace_transcoders(  # noqa: PLR0913 (all but two have a default; each is a choice of its own)
    frozen: Frozen,
    transcoders: Transcoders,
    roots: Roots | None = None,
    *,
    max_feature_nodes: int = 4096,
    epsilon: float | None = None,
    a_round: int = A_ROUND,
    zero_positions: int | None = None,
    rest_apart: bool = False,
    products: torch.dtype | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Graph:
    """The graph of these roots (the likeliest next tokens) over at most `max_feature_nodes` features.

    With `epsilon`, features are expanded only until what the others could still change is proven to be at
    most that share of all influence, and then those that pruning would keep; the bound reached is
    `Graph.unexplored`, influences estimated for what has no row are `Graph.expected`.

    No feature fires at the first `zero_positions` positions (where None: the begin-of-sequence token); what
    the MLPs write there goes to BOS nodes. Active features that are not chosen are merged into the error of
    their layer and position, or with `rest_apart` (always with `epsilon`) into one node of their own.
    `products` (bfloat16) is the precision in which directions are moved; the error this makes is measured on
    some rows and stated in `Graph.error`. Raises TracerError where the processor is no faster with it.
    """
    check_products(products)
    roots = roots or likeliest_roots(frozen)
    zero = int(frozen.bos) if zero_positions is None else zero_positions
    active = active_features(frozen, transcoders, zero)
    sources = feature_sources(frozen, transcoders, active)
    first = _first(frozen, roots, sources, zero if epsilon is None else None)
    budget, rest_apart = min(max_feature_nodes, len(active.acts)), rest_apart or epsilon is not None

    def grow(known: _Known, best: Tensor) -> _Known:
        targets = feature_targets(frozen, transcoders, active.pick(best))
        order = torch.cat(
            batches(frozen, targets)
        )  # as they are swept, so that rows stay where they are made
        share = _within(progress, len(known.chosen), len(best), budget)
        rows = direct_rows(frozen, targets.pick(order), sources, share, products=products)
        return _with(known, rows, best[order])

    expansion, unexplored, hoped = _Expansion(first, sources, grow), None, None
    if epsilon is None:
        while len(expansion.chosen) < budget:
            wanted = min(a_round, budget - len(expansion.chosen))
            expansion = expansion.expand(select_strongest(expansion.influence(), expansion.chosen, wanted))
    else:
        last, _, hoped, unexplored = expand_certified(expansion, epsilon, budget)
        assert isinstance(last, _Expansion)
        expansion = last
    known = expansion.known
    order = known.chosen.argsort()
    edges = _edges(sources, known, order, rest_apart)
    graph = _graph(frozen, active.pick(known.chosen[order]), roots, edges, zero, rest_apart)
    if hoped is not None:
        units, chosen = sources.error_column, known.chosen[order]
        left = hoped[:units].sum() - hoped[chosen].sum()
        hoped = torch.cat([hoped[chosen], hoped[units:], left[None]])
    error = None if products is None else _error(frozen, transcoders, sources, known)
    return replace(graph, unexplored=unexplored, expected=hoped, error=error)


@dataclass(frozen=True, slots=True)
class _Known:
    """Rows known so far: the roots', then those of the chosen features, block by block as they were made."""

    blocks: tuple[Float[Tensor, "_ column"], ...]
    sizes: Float[Tensor, " row"]  # of all blocks
    chosen: Int[Tensor, " unit"]
    weights: Float[Tensor, " root"]
    apart: Int[Tensor, " some"]  # columns that share no influence: biases, what is written at zero positions


@dataclass(frozen=True, slots=True)
class _Expansion:
    """Rows known so far and how more are made, for `expand_certified`."""

    known: _Known
    sources: FeatureSources
    grow: Callable[[_Known, Tensor], _Known]

    @property
    def chosen(self) -> Int[Tensor, " unit"]:
        """The features that have a row."""
        return self.known.chosen

    @property
    def unit_count(self) -> int:
        """How many features are active."""
        return self.sources.error_column

    def influence(self) -> Float[Tensor, " unit"]:
        """Each feature's influence, known through the rows there are."""
        known, units = self.known, [block[:, : self.unit_count] for block in self.known.blocks]
        return influence(units, known.sizes, known.chosen, known.weights)

    def expected(self) -> Float[Tensor, " column"]:
        """Every column's influence, estimated for what has no row."""
        known, sources = self.known, self.sources
        units, positions = sources.active.units, sources.bias_column - sources.token_column
        return expect_influence(known.blocks, known.sizes, known.chosen, known.weights, units, positions)

    def expand(self, best: Int[Tensor, " more"]) -> "_Expansion":
        """These features' rows, too."""
        return replace(self, known=self.grow(self.known, best))


def _first(frozen: Frozen, roots: Roots, sources: FeatureSources, zero: int | None) -> _Known:
    """The roots' rows alone; where `zero` is None every column shares influence, as in `Graph.influence`."""
    rows = direct_rows(frozen, roots.targets, sources)
    errors = torch.arange(sources.error_column, sources.token_column, device=rows.device)
    apart = errors.view(-1, frozen.length)[:, : zero or 0].flatten()
    apart = apart[:0] if zero is None else torch.cat([apart, apart.new_tensor([sources.bias_column])])
    none = torch.zeros(0, dtype=torch.long, device=rows.device)
    return _Known((rows,), sum_sizes(rows, apart), none, roots.weights / roots.weights.sum(), apart)


def _with(known: _Known, rows: Tensor, chosen: Tensor) -> _Known:
    """One round more."""
    return replace(
        known,
        blocks=(*known.blocks, rows),
        sizes=torch.cat([known.sizes, sum_sizes(rows, known.apart)]),
        chosen=torch.cat([known.chosen, chosen]),
    )


def _error(frozen: Frozen, transcoders: Transcoders, sources: FeatureSources, known: _Known) -> float:
    """The largest difference of an edge from its unrounded value, relative to its row's largest; a sample."""
    count = len(known.chosen)
    some = torch.arange(0, count, max(1, count // SAMPLE), device=known.chosen.device)
    targets = feature_targets(frozen, transcoders, sources.active.pick(known.chosen[some]))
    exact = direct_rows(frozen, targets, sources)
    starts = torch.tensor([len(block) for block in known.blocks[1:]]).cumsum(0)
    worst = 0.0
    for place, row in zip(some.tolist(), exact, strict=True):
        block = int((starts <= place).sum())
        mine = known.blocks[1 + block][place - (int(starts[block - 1]) if block else 0)]
        worst = max(worst, float((mine - row).abs().max() / row.abs().max().clamp_min(1e-30)))
    return worst


def _within(progress: Callable[[float], None], done: int, some: int, budget: int) -> Callable[[float], None]:
    """Progress of one round as progress of all."""
    return lambda share: progress((done + share * some) / budget)


def _edges(
    sources: FeatureSources, known: _Known, order: Int[Tensor, " unit"], rest_apart: bool
) -> Float[Tensor, "target source"]:
    """Rows over the graph's own sources, features first: `order` sorts the chosen ones."""
    chosen, roots = known.chosen[order], len(known.weights)
    parts = [_own(sources, block, chosen, rest_apart) for block in known.blocks]
    return torch.cat([torch.cat(parts[1:])[order] if parts[1:] else parts[0][:0], parts[0][:roots]])


def _own(
    sources: FeatureSources, rows: Float[Tensor, "row column"], chosen: Tensor, rest_apart: bool
) -> Float[Tensor, "row source"]:
    """Some rows, what is not chosen put with the errors or in a column of its own."""
    inside, outside = rows[:, chosen], rows[:, sources.error_column :]
    units, positions = sources.active.units, sources.bias_column - sources.token_column
    if rest_apart:
        rest = rows[:, : sources.error_column].sum(1, keepdim=True) - inside.sum(1, keepdim=True)
        return torch.cat([inside, outside, rest], 1)
    outside = outside.to(torch.float64, copy=True)
    place = units.layer * positions + units.position  # sorted
    counts = torch.bincount(place, minlength=sources.token_column - sources.error_column).tolist()
    for column, block in enumerate(rows[:, : sources.error_column].split(counts, 1)):
        if block.shape[1]:
            outside[:, column] += block.sum(1)
    outside.index_add_(1, place[chosen], inside.double(), alpha=-1)
    return torch.cat([inside, outside.to(inside)], 1)


def _graph(frozen: Frozen, chosen: Active, roots: Roots, edges: Tensor, zero: int, rest_apart: bool) -> Graph:
    layers, positions, units = len(frozen.layers), frozen.length, chosen.units
    device = edges.device
    block_layer = torch.arange(layers, device=device).repeat_interleave(positions)
    spots = torch.arange(positions, device=device)
    block_position = spots.repeat(layers)
    last = torch.tensor([KINDS.index(Kind.BIAS), *[KINDS.index(Kind.REST)] * rest_apart], device=device)
    none = torch.full_like(last, -1)
    rest = int(rests_on_first(frozen))
    kind = torch.cat(
        [
            torch.full((len(chosen.acts),), KINDS.index(Kind.FEATURE), device=device),
            torch.where(block_position < max(zero, rest), KINDS.index(Kind.BOS), KINDS.index(Kind.ERROR)),
            torch.where(spots < rest, KINDS.index(Kind.BOS), KINDS.index(Kind.TOKEN)),
            last,
        ]
    )
    others = len(kind) - len(chosen.acts)
    return Graph(
        kind=kind,
        layer=torch.cat([units.layer, block_layer, torch.full((positions,), -1, device=device), none]),
        position=torch.cat([units.position, block_position, spots, none]),
        neuron=torch.cat([units.neuron, torch.full((others,), -1, device=device)]),
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
    eye = torch.eye(len(acts), dtype=slopes.dtype, device=slopes.device)
    root = edges[len(acts)].double()
    through = torch.linalg.solve_triangular(
        (eye - slopes[:, : len(acts)]).T, root[: len(acts), None], upper=True
    )
    effects = root + through[:, 0] @ slopes
    without = [KINDS.index(k) for k in (Kind.ERROR, Kind.BIAS, Kind.REST)]
    no_effect = torch.isin(kind, torch.tensor(without, device=kind.device))
    effects[no_effect] = 0
    out: Tensor = effects.to(edges.dtype)
    return out


def named_roots(targets: Targets, names: Sequence[str], weights: Sequence[float]) -> Roots:
    """Any final targets as roots: chosen tokens, answer minus foil, a direction."""
    return Roots(targets, tuple(names), targets.value.new_tensor(list(weights)))


def text_ids(subject: Model, text: str, limit: int) -> Int[Tensor, " pos"]:
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


def zero_positions_of(subject: Model, ids: Int[Tensor, " pos"]) -> int:
    """How many first positions hold no feature: the special token, or the whole prefix of a Gemma 3 chat."""
    is_chat = ids[: len(CHAT_PREFIX)].tolist() == CHAT_PREFIX
    return len(CHAT_PREFIX) if is_chat and "gemma3_text" in subject.family.model_types else 1
