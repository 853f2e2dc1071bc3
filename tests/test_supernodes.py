"""Grouping is deterministic, keeps what must stay apart apart, and names groups by what they do."""

import random

import pytest

from agent.core.errors import QuestionError
from agent.evidence.supernodes import LARGEST, SMALLEST, find_strongest_path, group_features
from agent.experiments.activation_patching import align_positions

CASE = {"tokens": ["<bos>", "Texas", " is"], "answer": " Austin", "foil": " Houston"}


def features(count=200, seed=1):
    rng = random.Random(seed)
    return [
        {
            "id": f"L{layer}.N{i}+@{position}",
            "layer": layer,
            "position": position,
            "effect": rng.uniform(-1, 1),
            "influence": rng.uniform(0.1, 1),
            "role": "say" if layer >= 12 else "input",
        }
        for i in range(count)
        for layer, position in [(rng.randrange(18), rng.choice([1, 2]))]
    ]


def raised(ids):
    return ([" Austin", " Dallas"], [" Houston"])


def test_the_same_features_in_any_order_make_the_same_groups():
    first = group_features(features(), CASE, 18, raised)
    mixed = features()
    random.Random(2).shuffle(mixed)
    assert group_features(mixed, CASE, 18, raised) == first


def test_a_group_has_one_place_one_depth_and_one_sign():
    known = {f["id"]: f for f in features()}
    groups = group_features(features(), CASE, 18, raised)
    assert groups
    for one in groups:
        members = [known[name] for name in one["members"]]
        assert SMALLEST <= len(members) <= LARGEST
        assert {m["position"] for m in members} == {one["position"]}
        assert len({m["layer"] * 3 // 18 for m in members}) == 1
        assert {m["effect"] > 0 for m in members} == {one["sign"] > 0}
    names = [one["name"] for one in groups]
    assert len(set(names)) == len(names)
    assert sum(one["share"] for one in groups) <= 1


def test_groups_are_named_by_what_they_say():
    groups = group_features(features(), CASE, 18, raised)
    late = next(g for g in groups if g["kind"] == "say" and g["sign"] > 0)
    assert late["name"].startswith("say “ Austin”")


def test_the_strongest_path_follows_the_largest_flows():
    groups = group_features(features(), CASE, 18, raised)[:2]
    groups[0]["layers"], groups[1]["layers"] = [12, 17], [0, 5]
    groups[0]["sign"] = groups[1]["sign"] = 1
    flows = {
        "between": [[0.0, 2.0], [0.0, 0.0]],  # the second feeds the first
        "from_token": [[0.0, 0.1, 0.1], [0.0, 3.0, 0.0]],
        "direct": [2.0, 0.1],
    }
    assert find_strongest_path(flows, groups) == ["T1", groups[1]["id"], groups[0]["id"], "LD"]


@pytest.mark.parametrize(
    ("own", "other", "pairs", "changed"),
    [
        ("a b c", "a x c", {0: 0, 1: 1, 2: 2}, [1]),
        ("a b c", "a x y c", {0: 0, 1: 2, 2: 3}, [1]),
        ("a b b2 c", "a x c", {0: 0, 1: 1, 2: 1, 3: 2}, [1, 2]),
    ],
)
def test_texts_are_aligned_where_they_agree(own, other, pairs, changed):
    assert align_positions(own.split(), other.split()) == (pairs, changed)


def test_a_text_that_only_adds_words_cannot_be_swapped_in():
    with pytest.raises(QuestionError, match="in place of another"):
        align_positions(["a", "b"], ["a", "x", "b"])
