"""Taking away what heads bring, against hooks of the test's own, on tiny random models in float64."""

from typing import Any

import pytest
import torch
from test_concepts_exact import made
from test_concepts_parts import OTHERS, node

from tracer.concepts import (
    Held,
    Look,
    ablate,
    attention_with,
    change_without_looks,
    find_cues,
    nameable_words,
    try_carrier,
)
from tracer.concepts.kinds import contrast_direction
from tracer.models import part

ATTENTION = {"gemma3": "self_attn.o_proj", "gpt2": "attn.c_proj", "gpt_neox": "attention.dense"}


def lead_with(frozen: Any, layer: int, head: int, position: int, family: str) -> float:
    """The lead when a head's whole output is zeroed at a position, by the input of its output projection."""
    width = frozen.layers[layer].weights.output.shape[2]

    def zero(_module: Any, args: Any) -> tuple[torch.Tensor]:
        mixed = args[0].clone()
        mixed[:, position, head * width : (head + 1) * width] = 0
        return (mixed,)

    block = frozen.subject.blocks[layer]
    handle = part(block, ATTENTION[family]).register_forward_pre_hook(zero)
    with torch.no_grad():
        logits = frozen.subject.model(frozen.ids[None], use_cache=False).logits[0, -1]
    handle.remove()
    return float(contrast_direction(logits.double(), 4, OTHERS))


@pytest.mark.parametrize("family", list(ATTENTION))
def test_a_look_that_is_all_of_a_head_is_the_head_taken_out(tiny: Any, family: str) -> None:
    frozen, _ = made(tiny, family)
    clean = float(contrast_direction(frozen.logits.double(), 4, OTHERS))
    looks = [Look(layer, 0, 0, 0) for layer in range(len(frozen.layers))]  # position 0 sees only itself
    moved = change_without_looks(frozen, looks, 4, OTHERS)
    for look, change in zip(looks, moved.tolist(), strict=True):
        own = lead_with(frozen, look.layer, 0, 0, family) - clean
        assert change == pytest.approx(own, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("family", list(ATTENTION))
def test_the_carrier_is_tested_beside_every_other_head(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    test = try_carrier(frozen, lens, node(), 4, OTHERS)
    assert test is not None
    heads = sum(len(layer.pattern) for layer in frozen.layers)
    assert len(test.others) == heads - 1
    assert test.look.source == node().position < test.look.target
    assert 0 < test.attention < 1
    alone = change_without_looks(frozen, [test.look], 4, OTHERS)
    assert float(alone[0]) == pytest.approx(test.measured, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("family", list(ATTENTION))
def test_attention_with_a_change_is_the_models_own_with_the_stream_changed(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    look = Look(1, 0, 3, 5)
    changes = [(), ablate(frozen, lens, Held((3,), 0, 0), [7]), ablate(frozen, lens, Held((5,), 0, 0), [9])]
    found = attention_with(frozen, look, changes)
    for change, weight in zip(changes, found.tolist(), strict=True):

        def edit(_module: Any, args: Any, clamps: Any = change) -> Any:
            stream = args[0].clone()
            for clamp in clamps:
                moved = clamp.values - clamp.subspace.coordinates(stream[0, clamp.position])
                stream[0, clamp.position] += moved @ clamp.subspace.write
            return (stream, *args[1:])

        handle = frozen.subject.blocks[1].register_forward_pre_hook(edit)
        with torch.no_grad():
            out = frozen.subject.model(frozen.ids[None], use_cache=False, output_attentions=True)
        handle.remove()
        assert weight == pytest.approx(float(out.attentions[1][0, 0, 5, 3]), rel=1e-4, abs=1e-6)
    assert len(set(found.tolist())) == 3


def test_the_reasons_of_a_look_are_weights_left_beside_controls(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    words = nameable_words(frozen.subject)
    assert find_cues(frozen, lens, words, Look(0, 0, 2, 5)) == ()  # nothing is read before the first block
    for cue in find_cues(frozen, lens, words, Look(2, 0, 3, 5), count=9):
        assert cue.position in (3, 5)
        own = float(attention_with(frozen, Look(2, 0, 3, 5), [()])[0])
        assert cue.attention <= 0.8 * own
        assert len(cue.controls) == 9
