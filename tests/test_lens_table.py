"""The table of what the lens reads: exactly the readings of the words, and a drawing that is checked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from test_concepts_exact import made
from tests_support import FAMILIES

from agent import Bundle, read_bundle
from agent.answers import DrawnLens
from agent.answers.bundle import BundleError
from agent.core import find_places
from agent.questions import Intent, parse_question
from tracer.concepts import find_concepts, nameable_words, read_concept, read_table
from tracer.lens import LensError, stands_out, streams


@pytest.mark.parametrize("family", FAMILIES)
def test_the_table_holds_the_best_readings_of_each_place(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    words = nameable_words(frozen.subject)
    table = read_table(frozen, lens, words, k=3)
    assert table.layers == lens.layers
    assert table.positions == tuple(range(int(frozen.bos), frozen.length))
    assert table.tokens.shape == (len(table.layers), len(table.positions), 3)
    stream = streams(frozen)
    for row, layer in enumerate(table.layers):
        read = words.read(lens, frozen.subject, layer, stream[layer])
        for column, position in enumerate(table.positions):
            best = read[position].argsort(descending=True)[:3]
            assert table.tokens[row, column].tolist() == words.tokens[best].tolist()
            alone = stands_out(
                lens, frozen.subject, layer, stream[layer, position][None], words.tokens[best][None]
            )
            torch.testing.assert_close(table.score[row, column], alone[0].to(table.score))


def test_some_places_and_layers_are_those_of_the_whole_table(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    words = nameable_words(frozen.subject)
    whole, some = (
        read_table(frozen, lens, words),
        read_table(frozen, lens, words, layers=[1], positions=[3, 5]),
    )
    at = [whole.positions.index(3), whole.positions.index(5)]
    assert some.tokens.tolist() == whole.tokens[[whole.layers.index(1)]][:, at].tolist()


def test_a_lens_of_another_model_is_refused(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    other = replace(lens, about=replace(lens.about, d_model=7))
    with pytest.raises(LensError):
        read_table(frozen, other, nameable_words(frozen.subject))


def test_what_the_table_names_is_a_concept_that_can_be_exchanged(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    words = nameable_words(frozen.subject)
    table = read_table(frozen, lens, words)
    for readings in table.tokens.tolist():
        for position, tokens in zip(table.positions, readings, strict=True):
            for token in tokens:
                name = frozen.subject.token_texts([token])[0]
                node = read_concept(frozen, lens, words, name, [position], answer=4)
                assert node is not None
                assert node.position == position
                assert token in node.tokens
                assert node.first <= node.best_layer <= node.last
    assert read_concept(frozen, lens, words, "no such word", [3]) is None
    assert find_concepts(frozen, lens, words, answer=4)


def drawn(**changes: Any) -> dict[str, Any]:
    """The table of three words and two layers as it stands in a drawing."""
    cell = [[" Japan", 5.1], [" <b>", None]]
    table = {"layers": [1, 3], "positions": [1, 2, 4], "cells": [[cell] * 3, [cell] * 3], "places": [7, 1]}
    return {**table, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"cells": [[[[" Japan", 5.1]]] * 3]},
        {"cells": [[[[" Japan", 5.1]] * 4] * 3] * 2},
        {"cells": [[[[" Japan", float("nan")]]] * 3] * 2},
        {"cells": [[[[" " * 300, 1.0]]] * 3] * 2},
        {"cells": [[[[5, 1.0]]] * 3] * 2},
        {"positions": [2, 1, 4]},
        {"positions": list(range(60))},
        {"layers": [-1, 3]},
        {"places": [1]},
        {"places": [0, 1]},
        {"more": "<script>"},
    ],
)
def test_a_table_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    DrawnLens.model_validate(drawn())
    with pytest.raises(ValidationError):
        DrawnLens.model_validate(drawn(**changes))


def test_a_bundle_with_a_table_opens_and_one_without_keeps_its_name() -> None:
    file = Path(__file__).parent / "golden" / "bundle-without-lens.json.gz"  # written before there were any
    old = read_bundle(file)
    plain = old.model_dump(mode="json")
    assert "lens" not in plain["drawing"]
    assert old.id == Bundle.model_validate({**plain, "drawing": old.drawing.plain()}).id
    cells = [[[[" France", 4.5]]]] * 2
    table = {"layers": [1, 3], "positions": [4], "cells": cells}
    whole = {**plain, "drawing": {**old.drawing.plain(), "lens": table}}
    new = read_bundle(json.dumps(whole).encode())
    assert new.id != old.id
    assert new.replay() == []
    assert read_bundle(new.text().encode()).id == new.id
    assert new.drawing.plain()["lens"]["cells"] == cells
    for wrong in ({"positions": [4000]}, {"layers": [1, 900]}):
        broken = {**whole, "drawing": {**whole["drawing"], "lens": {**table, **wrong}}}
        with pytest.raises(BundleError, match="not there"):
            read_bundle(json.dumps(broken).encode())


def test_a_word_is_named_by_its_place_where_the_text_says_it_twice() -> None:
    tokens = ["the", " cat", " saw", " the", " dog"]
    assert find_places(tokens, "the") == [0, 3]
    assert find_places(tokens, "the (T3)") == [3]
    assert find_places(tokens, "the (T9)") == []
    asked = parse_question("Replace Japan by Sri Lanka at “the” (T3)", has_graph=True)
    assert (asked.intent, asked.group, asked.other, asked.at) == (
        Intent.SWAP,
        "Japan",
        "Sri Lanka",
        "the (T3)",
    )
    assert parse_question("replace Japan by India", has_graph=True).at is None
