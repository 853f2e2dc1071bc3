"""Claims of before each kind had a class are read as what they say; present ones go out and come back."""

import gzip
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent import read_bundle
from agent.core.claims import plain_claim, read_claim, read_claims

GOLDEN = Path(__file__).parent / "golden"
GALLERY = Path(__file__).parents[1] / "ui" / "gallery"
OLD = json.loads((GOLDEN / "old_claims.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("old", OLD, ids=[f"{claim['kind']}-{claim['id']}" for claim in OLD])
def test_an_old_claim_is_read_with_all_it_says(old):
    claim = read_claim(old)
    assert (claim.kind, claim.id, claim.text) == (old["kind"], old["id"], old["text"])
    assert (claim.verdict, claim.turn) == (old["verdict"], old["turn"])
    assert set(old["members"]) <= {*claim.features()}
    assert set(old["numbers"]) <= {*claim.values()}
    assert read_claim(plain_claim(claim)) == claim


def by_kind(kind):
    return read_claim(next(claim for claim in OLD if claim["kind"] == kind))


def test_headers_counts_and_names_have_fields_of_their_own():
    comparison, lost, search = by_kind("comparison"), by_kind("lost"), by_kind("search")
    assert comparison.other.text == "Ohio, whose capital is"
    assert all(pair.group.startswith("S") for pair in comparison.pairs)
    assert lost.layers == 18
    assert lost.cells
    assert search.sets >= len(search.tried)
    assert by_kind("rate").over in ("paraphrases", "entities")
    joint = next(read_claim(c) for c in OLD if c["kind"] == "effect" and "+" in (c["supernode"] or ""))
    assert joint.groups == ["S1", "S2"]
    repair = next(read_claim(c) for c in OLD if c["kind"] == "effect" and "wanted" in c["intervention"])
    assert repair.repair.wanted == " Springfield"
    assert repair.intervention.model_dump().keys() == {"kind", "factor"}


@pytest.mark.parametrize("path", sorted(GALLERY.glob("*.json.gz")), ids=lambda path: path.stem)
def test_every_bundle_of_the_gallery_is_read_and_replays(path):
    bundle = read_bundle(path)
    assert bundle.replay() == []
    assert read_bundle(bundle.text().encode()) == bundle
    old = json.loads(gzip.decompress(path.read_bytes()))
    assert len(read_claims(old["kept"]["claims"])) == len(bundle.kept.claims)


@pytest.mark.parametrize("wrong", [{}, {"kind": "rumour"}, {"kind": "effect", "id": "C1"}, "C1", None])
def test_what_is_no_claim_is_refused(wrong):
    with pytest.raises(ValidationError):
        read_claim(wrong)
