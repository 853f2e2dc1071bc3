"""An edge is the sum of what its heads move and of what stays in place, at every layer, in every family."""

import itertools

import pytest
import torch
from frozen_reference import own_precision
from tests_support import FAMILIES, freeze_words, tiny_subject

from tracer.heads import Connection, carried, crossings
from tracer.neurons import Units, neuron_sources, units_of
from tracer.rows import direct_rows
from tracer.targets import Targets, logit_difference, neuron_targets, together

ANSWER, FOIL = 3, 50
CLOSE = 1e-9


@pytest.fixture(params=FAMILIES, scope="module")
def frozen(request, tiny):
    subject = tiny_subject(tiny, request.param)
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


def some(frozen, count=24, seed=5):
    layers, length, neurons = len(frozen.layers), frozen.length, frozen.layers[0].acts.shape[1]
    flat = torch.randperm(layers * length * neurons, generator=torch.Generator().manual_seed(seed))
    return units_of(flat[:count], length, neurons)


def written_by(frozen, units, tokens=()):
    """What neurons and tokens add to the stream, layer by layer."""
    out = {-1: torch.zeros_like(frozen.embedded)} if tokens else {}
    for position in tokens:
        out[-1][position] = frozen.embedded[position]
    for layer, position, neuron in zip(*(x.tolist() for x in units), strict=True):
        rows = out.setdefault(layer, torch.zeros_like(frozen.embedded))
        rows[position] += frozen.layers[layer].writes(position, torch.tensor([neuron]))[0]
    return out


def edges(frozen, units, targets):
    """target x (units, then tokens), from the rows the graph is made of."""
    sources = neuron_sources(frozen, units)
    rows = direct_rows(frozen, targets, sources)
    tokens = slice(sources.token_column, sources.token_column + frozen.length)
    return torch.cat([rows[:, sources.unit_column], rows[:, tokens]], 1)


def crosses(frozen, source_layer, target_layer, layer):
    """Whether the attention of `layer` lies between a source and a target."""
    top = target_layer - (frozen.layers[0].parallel or target_layer == len(frozen.layers))
    return source_layer < layer <= top


def weighted(targets, weights):
    return Targets(
        targets.layer,
        targets.position,
        targets.direction * weights[:, None],
        targets.constant * weights,
        targets.value * weights,
    )


def test_heads_and_bypass_add_up_to_every_single_edge(frozen):
    units = some(frozen)
    targets = together([neuron_targets(frozen, *units), logit_difference(frozen, ANSWER, FOIL)])
    table = edges(frozen, units, targets)
    sources = [written_by(frozen, units.pick(torch.tensor([i]))) for i in range(len(units))]
    nothing = Units(*(torch.zeros(0, dtype=torch.long) for _ in range(3)))
    sources += [written_by(frozen, nothing, (p,)) for p in range(frozen.length)]
    below = [*units.layer.tolist(), *[-1] * frozen.length]
    pairs = [
        (t, s)
        for t, s in itertools.product(range(len(targets)), range(len(sources)))
        if table[t, s].abs() > 1e-6 * table.abs().max()
    ]
    connections = [Connection(sources[s], targets.pick(torch.tensor([t]))) for t, s in pairs]
    wanted = torch.stack([table[t, s] for t, s in pairs])
    seen = torch.zeros(len(pairs), dtype=torch.bool)
    for crossing in crossings(frozen, connections):
        between = torch.tensor(
            [crosses(frozen, below[s], int(targets.layer[t]), crossing.layer) for t, s in pairs]
        )
        parts = crossing.moved.sum((1, 2, 3)) + crossing.bypass
        assert (parts - wanted * between).abs().max() < CLOSE * table.abs().max()
        seen |= between
    assert seen.sum() > 40
    found = carried(frozen, connections, 3)
    assert max(abs(c.total - float(w)) for c, w in zip(found, wanted, strict=True)) < CLOSE * table.abs().max()


def test_heads_and_bypass_add_up_for_a_group_that_reads_and_writes_at_many_layers(frozen):
    sources, readers = some(frozen, 20, 1), some(frozen, 20, 2)
    weights = torch.linspace(-2, 2, len(readers) + 1, dtype=frozen.embedded.dtype)
    targets = together([neuron_targets(frozen, *readers), logit_difference(frozen, ANSWER, FOIL)])
    targets = weighted(targets, weights)
    tokens = (1, 3)
    table = edges(frozen, sources, targets)
    columns = torch.tensor([*range(len(sources)), *(len(sources) + p for p in tokens)])
    table, below = table[:, columns], [*sources.layer.tolist(), -1, -1]
    connection = Connection(written_by(frozen, sources, tokens), targets)
    for crossing in crossings(frozen, [connection]):
        between = torch.tensor(
            [[crosses(frozen, s, t, crossing.layer) for s in below] for t in targets.layer.tolist()]
        )
        parts = float(crossing.moved.sum() + crossing.bypass)
        assert parts == pytest.approx(float(table[between].sum()), abs=CLOSE * float(table.abs().sum()))
        key = crossing.moved[0].abs().sum((0, 1))
        assert key[frozen.length - 1 :].sum() == key[-1:].sum()
        assert crossing.moved[0].triu(1).abs().max() == 0  # nothing moves to an earlier position
    whole = carried(frozen, [connection], 4, moves=2)[0]
    assert whole.total == pytest.approx(float(table.sum()), abs=CLOSE * float(table.abs().sum()))
    assert len(whole.heads) == 4
    assert [abs(h.amount) for h in whole.heads] == sorted((abs(h.amount) for h in whole.heads), reverse=True)


def test_the_heads_named_are_those_that_move_most(frozen):
    units = some(frozen)
    connection = Connection(written_by(frozen, units, (0, 2)), logit_difference(frozen, ANSWER, FOIL))
    moved = torch.stack([c.moved[0] for c in crossings(frozen, [connection])])
    by_head = moved.sum((2, 3))
    first = carried(frozen, [connection], 1)[0].heads[0]
    layer, head = divmod(int(by_head.abs().argmax()), by_head.shape[1])
    assert (first.layer, first.head) == (layer, head)
    assert first.amount == pytest.approx(float(by_head[layer, head]))
    query, key = divmod(int(moved[layer, head].abs().argmax()), frozen.length)
    assert first.moves[0][:2] == (key, query)
