"""Forecasts, carriers, writers and explained shares of concepts, on tiny random models in float64."""

from typing import Any

import pytest
import torch
from test_concepts_exact import HELD, made

from tracer.concepts import (
    ConceptNode,
    exchange,
    explain_share,
    find_carriers,
    find_writers,
    forecast,
    measure,
    scale,
)
from tracer.concepts.change import stream_behind
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.lens import directions

OTHERS = (Alternative("w8", 8, 0.1, 0.9), Alternative("w9", 9, 0.1, 0.9))


def node(layer: int = 0) -> ConceptNode:
    return ConceptNode("w7", (7,), 3, layer, layer, layer, 5.0, 0, "concept")


def test_a_forecast_of_a_small_change_is_what_is_measured(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    changes = [scale(frozen, lens, HELD, [7], 0.9), exchange(frozen, lens, HELD, [7], [11])]
    foreseen = forecast(frozen, changes, 4, OTHERS)
    lead = contrast_direction(frozen.logits, 4, OTHERS)
    moved = contrast_direction(measure(frozen, changes).logits, 4, OTHERS) - lead
    assert foreseen[0].curved == pytest.approx(float(moved[0]), rel=0.05, abs=1e-4)


@pytest.mark.parametrize("family", ["gemma3", "gpt2", "gpt_neox"])
def test_carriers_are_part_of_a_path_that_adds_up(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    found = find_carriers(frozen, lens, node(), 4, OTHERS, count=4)
    assert all(one.source < one.target and one.layer > 0 for one in found.carriers)
    assert all(one.share == pytest.approx(one.amount / found.total) for one in found.carriers)
    twice = find_carriers(frozen, lens, node(), 4, OTHERS, count=4)
    assert twice == found


@pytest.mark.parametrize("family", ["gemma3", "gpt2"])
def test_writers_add_up_to_what_the_neurons_add(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    found = find_writers(frozen, lens, node(1), count=10**6)
    read = directions(lens, frozen.subject, 1, [7])[0].double()
    whole = sum(float(layer.written[3] @ read) for layer in frozen.layers[:2])
    assert sum(one.amount for one in found) == pytest.approx(whole, rel=1e-4, abs=1e-6)


def test_a_share_is_all_where_everything_is_kept(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    tokens = tuple(range(1, 1 + frozen.embedded.shape[1]))  # as many directions as the stream is wide
    everything = node()._replace(tokens=tokens)
    found = explain_share(frozen, lens, [everything], [frozen], 4, OTHERS, draws=3)
    assert found.kept == pytest.approx(found.lead, abs=0.02 * abs(found.lead - found.none) + 1e-4)
    assert len(found.random) == 3
    assert stream_behind(frozen, 0).shape == frozen.embedded.shape
    with pytest.raises(ValueError, match="other texts"):
        explain_share(frozen, lens, [everything], [], 4, OTHERS)
    assert torch.isfinite(torch.tensor(found.share))
