"""The search for the smallest change, rates, decisions and texts to try: pure rules, no model."""

from typing import NamedTuple

import pytest

from agent.evidence.ledger import new_claim
from agent.evidence.statistics import rate_p_value, settle_verdicts
from agent.experiments.counterfactual_texts import (
    find_entity,
    find_entity_swap,
    find_expected_token,
    map_positions,
    parse_entities,
    replace_entity,
    write_paraphrases,
)
from agent.experiments.joint_ablation import find_smallest_set
from agent.experiments.minimal_sets import DOSES, SET_SIZES, find_smallest_sets, rank_features
from agent.planners.hypothesis_choice import choose_main_hypotheses
from agent.planners.rule_planner import RulePlanner
from agent.planners.thresholds import Budget, find_overspending, find_untestable_reason


class Done(NamedTuple):
    margin: float
    says: str


def features(effects):
    return [{"id": f"L1.N{i}+@1", "effect": effect} for i, effect in enumerate(effects)]


def adding_up(known, need):
    """A model in which effects add up: the wanted token is said once `need` has been moved."""
    effect = {f["id"]: f["effect"] for f in known}

    def attempt(sets, factor):
        moved = [sum((factor - 1) * effect[m] for m in members) for members in sets]
        return [Done(-x - need, "wanted" if -x > need else "answer") for x in moved]

    return attempt


def test_the_smallest_set_is_found_and_none_of_it_can_be_spared():
    known = features([5.0, 4.0, 3.0, 2.0, 1.0] * 4 + [-1.0] * 20)
    attempt = adding_up(known, 12.5)
    found = find_smallest_sets(known, attempt)
    best = found.found[0]
    assert (best.factor, len(best.members)) == (-1.0, 2)  # turned round, 5 and 4 count twice
    removal = found.found[1]
    assert (removal.factor, len(removal.members)) == (0.0, 3)  # 5 + 5 + 5 by removal
    for one in found.found:
        assert one.margin > 0 >= one.without
        fewer = [[m for m in one.members if m != left] for left in one.members]
        assert all(r.margin <= 0 for r in attempt(fewer, one.factor))
    assert found.sets >= len(found.tried) == sum(len([n for n in SET_SIZES if n <= 20]) for _ in DOSES)


def test_where_nothing_does_it_the_nearest_is_told():
    known = features([1.0, 2.0])
    found = find_smallest_sets(known, adding_up(known, 100.0))
    assert found.found == []
    assert found.nearest["factor"] == -1.0
    assert found.nearest["size"] == 2


def test_members_that_do_nothing_are_left_out():
    known = features([3.0, 2.9, 2.8, 2.7])
    useless = known[1]["id"]

    def attempt(sets, factor):
        worth = [sum(1 for m in members if m != useless) for members in sets]
        return [Done(w - 1.5 if factor == 0 else -1.0, "x") for w in worth]

    best = find_smallest_sets(known, attempt).found[0]
    assert best.factor == 0
    assert len(best.members) == 2
    assert useless not in best.members


def test_ranking_follows_what_the_graph_foresees_and_is_stable():
    known = features([1.0, -2.0, 1.0])
    assert [f["id"] for f in rank_features(known, 0.0)] == ["L1.N0+@1", "L1.N2+@1"]
    assert [f["id"] for f in rank_features(known, 2.0)] == ["L1.N1+@1"]


def rate(rows):
    p = rate_p_value(len(rows), sum(row["holds"] for row in rows))
    known = {"groups": ["S1"], "over": "entities", "predicted": -1.0, "measured": -1.0, "p": p}
    return new_claim([], 1, kind="rate", texts=rows, **known)


def row(holds, foreseen=-4.0):
    controls = {"n": 1, "mean": 0.0, "sd": 0.0, "max_abs": 1.0, "matched": 1.0, "values": [1.0]}
    known = {"text": "Ohio, whose capital is", "members": ["L1.N1+@1"], "predicted": foreseen}
    return {**known, "holds": holds, "controls": controls}


@pytest.mark.parametrize(
    ("held", "of", "verdict"),
    [(4, 5, "supported"), (2, 5, "partly"), (1, 5, "inconclusive"), (0, 5, "refuted"), (1, 1, "supported")],
)
def test_a_rate_is_judged_by_how_many_texts_hold(held, of, verdict):
    (claim,) = settle_verdicts([rate([row(i < held) for i in range(of)])])
    assert claim.verdict == verdict


def test_a_rate_where_nothing_could_be_seen_is_not_refuted():
    (claim,) = settle_verdicts([rate([row(False, foreseen=-0.5) for _ in range(5)])])
    assert claim.verdict == "inconclusive"


def test_a_graph_that_explains_too_little_is_not_tested():
    state = {"graph": {"pruned": True, "completeness": 0.2, "basis": "neurons"}}
    assert "explains too little" in find_untestable_reason(state)
    state["graph"]["completeness"] = 0.8
    assert find_untestable_reason(state) == ""


def test_a_spent_budget_ends_the_question_with_what_there_is():
    question = {"intent": "why", "text": "a", "raw": "why?", "foil": None, "group": None}
    state = {"turn": 1, "question": question, "focus": None, "claims": [], "case": {"text": "a"}}
    state["spent"] = {"actions": 3, "seconds": 9.0, "forward_passes": 10}
    for budget in (Budget(actions=3), Budget(seconds=5), Budget(passes=10)):
        assert "is spent" in find_overspending(state, budget)
        decision = RulePlanner(10, budget).decide(state)
        assert (decision.action.kind, decision.action.style) == ("answer", "partial")
    assert find_overspending(state, Budget()) == ""


def test_texts_to_try_keep_what_they_should():
    text = "Texas, whose capital is"
    assert {"The capital of Texas is", f"Fact: {text}"} <= {v.text for v in write_paraphrases(text)}
    assert all("Texas" in v.text for v in write_paraphrases(text))
    assert replace_entity(text, ("ohio", "Maine"))[0].text == "Ohio, whose capital is"
    others = [v.text for v in replace_entity("The currency of the country whose capital is Tokyo is the")]
    assert len(others) == 5
    assert not any("Tokyo" in t for t in others)
    assert replace_entity("Monday, Tuesday, Wednesday,")[0].text == "Tuesday, Wednesday, Thursday,"
    assert find_entity("Water is made of hydrogen and") is None
    assert parse_entities("California and Ohio") == ("California", "Ohio")
    assert parse_entities("states") == ()
    assert find_entity_swap(text, " Denver") == ("Texas", "Colorado")
    assert find_expected_token("Illinois, whose capital is") == "Springfield"


def test_words_are_found_again_in_another_text():
    own = ["<bos>", "Texas", ",", " whose", " capital", " is"]
    other = ["<bos>", "The", " capital", " of", " Ohio", " is"]
    assert map_positions(own, other, (("Texas", "Ohio"),)) == {0: 0, 1: 4, 4: 2, 5: 5}


@pytest.mark.parametrize(
    ("does", "found"),
    [
        (lambda some: -4.0 if {"S1", "S2", "S4"} <= set(some) else 0.02, ("S1", "S2", "S4")),
        (lambda some: -4.0 if {"S1", "S3"} <= set(some) else 0.02, ("S1", "S3")),  # no idle one beside
        (lambda some: -1.0 * len(some), None),  # what adds up can stand in for nothing
        (lambda some: -5.0 if "S2" in some else 0.0, None),  # one does it alone
        (lambda some: 0.00002 * len(some) ** 4, None),  # as good as nothing
    ],
)
def test_the_fewest_groups_that_matter_only_together_are_found(does, found):
    best = find_smallest_set(("S1", "S2", "S3", "S4"), does)
    assert (best.names if best else None) == found


def test_what_the_question_is_about_is_tested_first():
    groups = [
        {"id": "S1", "name": "", "sign": 1, "effect": 4.0, "position": 3},
        {"id": "S2", "name": "", "sign": -1, "effect": -3.0, "position": 3},
        {"id": "S3", "name": "", "sign": 1, "effect": 1.0, "position": 1},
    ]
    case = {"answer": " Austin", "tokens": ["<bos>", "Texas", ",", " is"], "bos": True}
    state = {"case": case, "groups": groups, "question": {"group": None}, "focus": None}
    assert choose_main_hypotheses(state).action.groups == ("S1", "S2")
    state["question"]["group"] = "Texas"
    decision = choose_main_hypotheses(state)
    assert decision.action.groups == ("S3", "S1", "S2")
    assert decision.why.startswith("the question is about 'Texas': test S3, found there; beside it S1")
