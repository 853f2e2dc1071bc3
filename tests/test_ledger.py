"""The ledger lets through what it holds and nothing else."""

import pytest

from agent.ledger import Sentence, faults, new_claim

CLAIM = new_claim(
    [],
    1,
    kind="effect",
    supernode="S1",
    members=["L3.N7+@1", "L4.N9-@1"],
    predicted=-3.417,
    measured=-3.832,
    controls={"n": 99, "mean": 0.01, "sd": 0.2, "max_abs": 1.249, "matched": 1.0, "values": []},
    doses={"0.5": -1.92},
    p=0.01,
    p_holm=0.05,
    intervention={"kind": "ablate", "factor": 0.0},
    says=[{"token": " Houston", "p": 0.5139}],
    numbers=[0.164, 12, 17],
)


def wrong(text, cited=("C1",)):
    return faults([Sentence(text, cited)], [CLAIM], ["S1"])


@pytest.mark.parametrize(
    "text",
    [
        "Removing S1 changes it by −3.83 (predicted −3.42).",
        "99 random groups change it by at most 1.25 (p = 0.01, after Holm 0.05).",
        "S1 has 2 features in layers 12 to 17 and holds 16 %.",
        "The model then says “ 1984” (51 %).",
        "L3.N7+@1 is one of them.",
    ],
)
def test_what_the_ledger_holds_is_let_through(text):
    assert wrong(text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Removing S1 changes it by −4.83.", "−4.83"),
        ("Removing S1 changes it by +3.83.", "+3.83"),
        ("Removing S2 changes it by −3.83.", "S2 does not exist"),
        ("L9.N1+@1 carries it.", "L9.N1+@1 does not exist"),
        ("It holds 61 % of the effect.", "61 %"),
        ("This proves that S1 is the cause.", "certainty"),
        ("As C7 shows, S1 matters.", "C7 does not exist"),
    ],
)
def test_what_it_does_not_hold_is_refused(text, why):
    assert any(why in fault for fault in wrong(text))


def test_a_sentence_without_a_claim_is_refused():
    assert wrong("S1 matters.", ()) == ["no claim supports: 'S1 matters.'"]
    assert "C9 is not in the ledger" in wrong("S1 matters.", ("C9",))
