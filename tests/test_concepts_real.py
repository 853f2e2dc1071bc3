"""Concepts on the real embedded model: what it holds at a word, and what follows when that is exchanged."""

from pathlib import Path
from typing import Any

import pytest

from tracer.attribution.frozen_forward import freeze
from tracer.concepts import (
    Held,
    exchange,
    exchange_controls,
    find_alternatives,
    find_concepts,
    measure,
    nameable_words,
)
from tracer.lens import Lens, lens_for


@pytest.fixture(scope="module")
def concept_lens(embedded_subject: Any, cache_folder: Path) -> Lens:
    lens = lens_for(embedded_subject, cache_folder)
    if lens is None:
        pytest.skip("no lens of the embedded model here yet: askcircuit lens fit")
    return lens


def test_it_holds_japan_at_fuji_and_says_china_when_they_are_exchanged(
    embedded_subject: Any, concept_lens: Lens
) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("Mount Fuji is the tallest mountain in", 64))
    japan, china = subject.pieces(" Japan")[0], subject.pieces(" China")[0]
    fuji = frozen.tokens.index(" Fuji")
    nodes = find_concepts(frozen, concept_lens, nameable_words(subject), answer=japan)
    assert any(node.position == fuji and "japan" in node.name.lower() for node in nodes)
    held = Held((fuji,), 2, 7)
    drawn = exchange_controls(frozen, concept_lens, held, (japan, china), away_from=[japan], count=9)
    changes = [exchange(frozen, concept_lens, held, [japan], [china]), *drawn.changes]
    logits = measure(frozen, changes).logits
    assert float(logits[0, china]) > float(logits[0, japan])
    assert all(float(row[china]) < float(row[japan]) for row in logits[1:])


def test_alternatives_are_of_the_answers_own_kind(embedded_subject: Any) -> None:
    subject = embedded_subject
    frozen = freeze(subject, subject.encode("Monday, Tuesday, Wednesday,", 64))
    thursday = subject.pieces(" Thursday")[0]
    found = {one.token for one in find_alternatives(frozen, thursday)}
    assert {" Friday", " Saturday"} <= found
    assert not found & {" the", " Thursday", " thursday"}
