"""Forecasts, carriers, writers and explained shares of concepts, on tiny random models in float64."""

from typing import Any

import pytest
import torch
from test_concepts_exact import HELD, made
from tests_support import FAMILIES, tiny_subject
from tolerance import assert_close

from tracer.attribution import Units
from tracer.concepts import (
    ConceptNode,
    Held,
    Kept,
    OtherTexts,
    ablate,
    change_elsewhere,
    exchange,
    explain_share,
    find_carriers,
    find_writers,
    forecast,
    measure,
    scale,
)
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.lens import directions
from tracer.models import next_logits

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


def others_of(frozen: Any) -> OtherTexts:
    """The text itself stands for other texts, with means of random size."""
    random = torch.Generator().manual_seed(3)
    means = [torch.randn(layer.acts.shape[1], generator=random).to(layer.acts) for layer in frozen.layers]
    return OtherTexts((frozen,), tuple(means))


def every_unit(frozen: Any) -> Units:
    """All neurons at all positions behind the begin token."""
    places = [
        (layer, position, neuron)
        for layer, one in enumerate(frozen.layers)
        for position in range(int(frozen.bos), frozen.length)
        for neuron in range(one.acts.shape[1])
    ]
    return Units(*(torch.tensor(column) for column in zip(*places, strict=True)))


@pytest.mark.parametrize("family", ["gemma3", "gpt2", "gpt_neox"])
def test_a_share_is_all_where_everything_is_kept_and_none_where_nothing_is(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    others, whole = others_of(frozen), every_unit(frozen)
    found = explain_share(frozen, lens, Kept([], whole), others, 4, OTHERS, draws=3)
    assert found.kept == pytest.approx(found.lead, rel=1e-6, abs=1e-9)
    assert found.share == pytest.approx(1.0, rel=1e-6)
    assert len(found.random) == 3
    part = whole.pick(torch.arange(0, len(whole), 7))
    some = explain_share(frozen, lens, Kept([node()], part), others, 4, OTHERS, draws=2)
    assert some.none == pytest.approx(found.none, rel=1e-6)
    assert some.kept != pytest.approx(some.none)
    with pytest.raises(ValueError, match="needs concepts or neurons"):
        explain_share(frozen, lens, Kept([], whole.pick(torch.zeros(0, dtype=torch.long))), others, 4, OTHERS)


def test_nothing_kept_is_every_neuron_at_its_mean(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    others = others_of(frozen)
    handles = []
    for index, block in enumerate(frozen.subject.blocks):

        def write_mean(_module: Any, args: Any, index: int = index) -> tuple[torch.Tensor]:
            acts = others.activations[index].expand_as(args[0]).clone()
            acts[:, : int(frozen.bos)] = args[0][:, : int(frozen.bos)]
            return (acts,)

        handles.append(block.mlp.down_proj.register_forward_pre_hook(write_mean))
    with torch.no_grad():
        logits = frozen.subject.model(frozen.ids[None], use_cache=False).logits[0, -1].double()
    for handle in handles:
        handle.remove()
    found = explain_share(frozen, lens, Kept([node()], every_unit(frozen)), others, 4, OTHERS, draws=1)
    assert found.none == pytest.approx(float(contrast_direction(logits, 4, OTHERS)), rel=1e-6, abs=1e-9)


def test_a_concept_is_taken_out_of_other_texts_as_out_of_this_one(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    found = change_elsewhere(lens, node(), others_of(frozen))
    assert found.texts == 1
    held = Held(tuple(range(int(frozen.bos), frozen.length)), 0, 0)
    after = measure(frozen, [ablate(frozen, lens, held, [7])]).logits[0]
    assert found.changed == int(after.argmax() != frozen.logits.argmax())
    assert found.divergence > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_beginning_that_is_remembered_gives_what_the_whole_text_gives(tiny: Any, family: str) -> None:
    subject = tiny_subject(tiny, family)
    for rows in (3, 1, 2):  # what one call adds behind the beginning must not reach the next
        tails = torch.randint(5, 40, (rows, 2 + rows), generator=torch.Generator().manual_seed(rows))
        whole = torch.cat([torch.tensor([[1, 7, 9]]).expand(rows, -1), tails], 1)
        with torch.no_grad():
            wanted = subject.model(whole, use_cache=False).logits[:, -1]
        assert_close(next_logits(subject, [1, 7, 9], tails), wanted, dtype=torch.float32)  # rope is
    assert len(subject.beginnings) == 1
