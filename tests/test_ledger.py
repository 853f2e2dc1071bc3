"""The ledger lets through what it holds and nothing else."""

import pytest

from agent.evidence.ledger import Sentence, find_faults, new_claim

CLAIM = new_claim(
    [],
    1,
    kind="effect",
    groups=["S1"],
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
    return find_faults([Sentence(text, cited)], [CLAIM], ["S1"])


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


GRAPH = new_claim([CLAIM], 1, kind="path", text="The strongest path is T1 → S1 → LD.", numbers=[0.42, 6.0])
REFUTED = CLAIM.model_copy(update={"id": "C3", "verdict": "refuted"})


def wrong_of(text, *claims):
    return find_faults([Sentence(text, tuple(c.id for c in claims))], list(claims), ["S1", "S2", "S4"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("It is ninety-nine percent sure.", "'ninety'"),
        ("It holds two thirds, a hundred of them.", "'hundred'"),
        ("99 percent of it is S1.", "99 %"),
        ("99% of it is S1.", "99 %"),
        ("99 ％ of it is S1.", "99 %"),
        ("It changes by −٣.٨٣.", "other digits"),
        ("It changes by −３.８３.", "other digits"),
        ("It changes by −3.83².", "other digits"),
        ("It changes by 三.", "other digits"),
        ("Removing Ѕ1 matters.", "another script"),
        ("Removing s2 matters.", "s2 does not exist"),
        ("Removing S 9 matters.", "S 9 does not exist"),
        ("Feature L9/N3 matters.", "does not exist"),
        ("S1 is sup\u200bported.", "hidden character"),
        ("S1 matters \u202edetroppus.", "hidden character"),
        ("S1 ma\u0336tters.", "combining sign"),
        ("See [this](x).", "markup"),
        ("See https://evil.example.", "markup"),
        ("See <b>this</b>.", "markup"),
        ("See www.evil.example.", "markup"),
        ("It was predicted −3.83.", "not what C1 predicted"),
        ("The measured −3.42 is large.", "not what C1 measured"),
        ("It changes by −3.83 (p = 1.25).", "not the p of C1"),
        ("Removing S1 increases it by 3.83.", "other direction"),
        ("S2 changes it by −3.83.", "C1 is not about S2"),
        ("This is beyond any doubt.", "certainty"),
        ("S1 is guaranteed to matter.", "certainty"),
        ("S1 always matters.", "certainty"),
        ("S1 is refuted.", "not the verdict"),
        ("S1 is confirmed.", "not the verdict"),
        ("S1 is significant.", "not the verdict"),
    ],
)
def test_tricks_with_digits_letters_ids_roles_and_words_are_refused(text, why):
    assert any(why in fault for fault in wrong_of(text, CLAIM)), wrong_of(text, CLAIM)


def test_a_word_of_cause_needs_a_test_that_found_one():
    said = "S1 causes the answer."
    assert wrong_of(said, CLAIM.model_copy(update={"verdict": "supported"})) == []
    for claim in (GRAPH, CLAIM, REFUTED):
        assert any("speaks of a cause" in fault for fault in wrong_of(said, claim))


def test_a_verdict_stands_only_beside_its_claim():
    held = CLAIM.model_copy(update={"verdict": "supported"})
    assert wrong_of("S1: supported.", held) == []
    assert any("not the verdict" in fault for fault in wrong_of("S1: supported.", REFUTED))
    assert any("turned round" in fault for fault in wrong_of("S1 is not supported.", held))


def test_a_claim_that_is_named_is_cited():
    sentence = Sentence("As C3 shows, S1 matters.", ("C1",))
    assert find_faults([sentence], [CLAIM, REFUTED], ["S1"]) == ["C3 is named but not cited"]
