"""Statistics and verdicts: numbers worked out by hand, and every road to each verdict."""

import itertools

import pytest
from hypothesis import given, strategies as st

from agent.evidence.ledger import new_claim
from agent.evidence.statistics import (
    adjust_holm,
    make_control_seed,
    p_value,
    settle_turn,
    settle_verdicts,
    summarise_controls,
)

FLAT = [0.1, -0.1] * 49 + [0.1]


def claim(predicted, measured, controls=FLAT, doses=None):
    return new_claim(
        [],
        1,
        kind="effect",
        predicted=predicted,
        measured=measured,
        controls=summarise_controls(controls, 1, 1),
        doses=doses,
        p=p_value(measured, controls),
        intervention={"kind": "ablate", "factor": 0.0},
    )


def test_p_counts_controls_at_least_as_large():
    assert p_value(1.0, FLAT) == pytest.approx(0.01)
    assert p_value(0.1, FLAT) == pytest.approx(1.0)
    assert p_value(-0.5, [0.6, -0.5, 0.1]) == pytest.approx(3 / 4)


def test_holm_by_hand():
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_holm_never_lowers_a_p_and_keeps_their_order(ps):
    adjusted = adjust_holm(ps)
    assert all(a >= p - 1e-12 for a, p in zip(adjusted, ps, strict=True))
    pairs = sorted(zip(ps, adjusted, strict=True))
    assert all(a[1] <= b[1] + 1e-12 for a, b in itertools.pairwise(pairs))


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (claim(-2.0, -1.8), "supported"),
        (claim(-2.0, -0.9), "partly"),  # beats chance, less than half as large
        (claim(-2.0, -1.8, doses={"0.5": 0.3, "-1": -3.0}), "partly"),  # half the dose goes the other way
        (claim(-2.0, +1.8), "refuted"),  # the other way round
        (claim(-2.0, 0.05), "refuted"),  # half of what was predicted would have been seen
        (claim(-0.1, 0.05), "inconclusive"),  # too small to tell from chance
        (claim(-2.0, -1.8, controls=[0.1, -0.1, 0.05]), "inconclusive"),  # too few controls for a p
    ],
)
def test_verdicts(made, verdict):
    assert settle_verdicts([made])[0].verdict == verdict


def test_five_tests_of_ninety_nine_controls_can_still_be_supported_and_six_cannot():
    five = settle_verdicts([claim(-2.0, -1.8) for _ in range(5)])
    six = settle_verdicts([claim(-2.0, -1.8) for _ in range(6)])
    assert {c.verdict for c in five} == {"supported"}
    assert "supported" not in {c.verdict for c in six}


def test_tests_of_a_turn_are_settled_together_whenever_they_were_made():
    first, second = (claim(-2.0, -1.8).model_copy(update={"id": name}) for name in ("C1", "C2"))
    earlier = claim(-2.0, -1.8).model_copy(update={"id": "C0", "turn": 0, "p_holm": 0.01})
    ledger = settle_turn([earlier, *settle_verdicts([first]), second], 1)
    assert [one["p_holm"] for one in ledger] == pytest.approx([0.01, 0.02, 0.02])


def test_the_seed_depends_on_every_word():
    assert make_control_seed("a", "b") == make_control_seed("a", "b")
    assert len({make_control_seed("a", "b"), make_control_seed("ab"), make_control_seed("b", "a")}) == 3
