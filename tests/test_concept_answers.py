"""Answers in terms of concepts: what they say of tests that hold and that do not; the questions."""

from typing import Any, cast

import pytest

from agent.answers.carrier_sentences import tell_explained
from agent.answers.compose import compose_answer
from agent.answers.concept_drawing import concepts_drawn
from agent.answers.concept_evidence import concept_evidence
from agent.answers.concept_line import chain_line
from agent.answers.concept_sentences import in_plain_words
from agent.answers.sentences import write_prediction
from agent.answers.weight_sentences import tell_weights
from agent.core import (
    Concept,
    ConceptClaim,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    EffectClaim,
    ExplainedClaim,
    FeatureShare,
    HeadClaim,
    HeadShare,
    HopClaim,
    LookCue,
    MechanismClaim,
    NextToken,
    OtherTextsChanged,
    PredictionClaim,
    RouteClaim,
    Scaling,
    State,
    Supernode,
    SwapTried,
    WordPut,
    claims_of,
    folded,
    plain_claim,
    unfolded,
    without_folds,
)
from agent.evidence import find_faults, held_concepts, settle_verdicts, summarise_controls
from agent.experiments.concept_tests import only_goes_on
from agent.questions import Intent, parse_question
from tracer.concepts import Chain, ConceptNode, where

TEXAS = Concept(
    id="K1", name="Texas", tokens=[" Texas"], token_ids=[7], position=2, layers=(3, 9), best_layer=5,
    strength=6.2, rank=0, role="concept",
)  # fmt: skip
CONTROLS = [0.1, -0.2, 0.3] * 33


def effect(measured: float, controls: list[float]) -> ConceptEffectClaim:
    """A test of taking Texas out."""
    above = sum(abs(value) >= abs(measured) for value in controls)
    return ConceptEffectClaim(
        id="C3", concept=TEXAS, measured=measured,
        controls=summarise_controls(controls, len(controls), len(controls)),
        asked=99, p=(1 + above) / (1 + len(controls)), lead=4.0,
        says=[NextToken(token=" Houston", p=0.4)], p_answer=0.1,
    )  # fmt: skip


def swap(says: str, *, installed: bool, by_chance: int = 0) -> ConceptSwapClaim:
    """A test of Georgia in the place of Texas."""
    tried = SwapTried(
        other="Georgia", other_id=8, says=[NextToken(token=says, p=0.49)], lead=-3.0, p_answer=0.05,
        changed=says != " Austin", installed=installed,
    )  # fmt: skip
    return ConceptSwapClaim(
        id="C4", concept=TEXAS, measured=-3.0, controls=summarise_controls(CONTROLS, 99, 99), asked=99,
        p=(1 + by_chance) / 100, lead=4.0, swaps=[tried], partners=["Georgia"], partner_ids=[8],
        controls_changed=2, controls_installed=by_chance,
    )  # fmt: skip


def head(measured: float, others: list[float]) -> HeadClaim:
    """A test of the head that should bring Texas to the last word."""
    above = sum(abs(value) >= abs(measured) for value in others)
    return HeadClaim(
        id="C6", concept=TEXAS, layer=9, head=2, target=4, attention=0.43, predicted=-1.5, measured=measured,
        controls=summarise_controls(others, len(others), len(others)), asked=len(others),
        p=(1 + above) / (1 + len(others)), lead=4.0,
    )  # fmt: skip


def state_of(*tests: ConceptClaim | HopClaim) -> State:
    """A conversation whose concepts were read and tested."""
    said = PredictionClaim(id="C1", text="…", verdict="observed", numbers=[0.6, 0.2, 4.0])
    read = ConceptsClaim(id="C2", verdict="observed", concepts=[TEXAS], lead=4.0)
    case = {
        "text": "Fact: Dallas is in", "tokens": ["Fact", ":", " Dallas", " is", " in"], "bos": False,
        "predictions": [{"token": " Austin", "p": 0.6}, {"token": " the", "p": 0.2}], "asked": None,
        "answer": " Austin", "answer_id": 1, "foil": " Houston", "foil_id": 2, "foil_p": 0.2,
        "premise": "true", "note": "", "value": 4.0, "foil_rule": "kind", "runner_up": " the",
    }  # fmt: skip
    claims = [plain_claim(claim) for claim in (said, read, *settle_verdicts(list(tests)))]
    known = {"note": "", "tested": True, "path": ["K1"]}
    state = {"turn": 1, "history": [], "focus": None, "case": case, "claims": claims, "concepts": known}
    return cast(State, {**state, "question": {"other": None, "group": None}})


def checked(state: State) -> list[str]:
    """What is wrong with the sentences on this state, by the ledger."""
    told = [*chain_line(state), *in_plain_words(state), *concept_evidence(state)]
    return find_faults(told, claims_of(state), [])


def test_a_chain_that_holds_is_told_in_one_line_with_its_exchange() -> None:
    state = state_of(effect(-3.0, CONTROLS), swap(" Atlanta", installed=True))
    (line,) = chain_line(state)
    assert line.text.startswith("“Dallas” → “Texas” → “Austin”: tested;")
    assert "“Georgia”" in line.text
    assert "“Atlanta” (49 %)" in line.text
    assert checked(state) == []


def test_a_concept_that_no_test_bears_out_is_not_named_on_the_way() -> None:
    state = state_of(effect(-0.2, CONTROLS), swap(" Austin", installed=False, by_chance=60))
    told = " ".join(sentence.text for sentence in [*chain_line(state), *in_plain_words(state)])
    assert "Texas" not in told
    assert "no test bore one out" in told
    assert checked(state) == []


def test_knocked_out_is_not_called_installed() -> None:
    state = state_of(effect(-3.0, CONTROLS), swap(" the", installed=False))
    (line,) = chain_line(state)
    assert "exchanging" not in line.text
    assert any("only knocks" in sentence.text for sentence in in_plain_words(state))
    assert checked(state) == []


def test_a_concept_whose_exchange_only_removes_the_answer_is_not_on_the_way() -> None:
    state = state_of(effect(-0.2, CONTROLS), swap(" the", installed=False))
    (line,) = chain_line(state)
    assert "Texas" not in line.text
    assert checked(state) == []


@pytest.mark.parametrize(
    ("measured", "verdict"), [(-3.0, "supported"), (3.0, "refuted"), (-0.2, "inconclusive")]
)
def test_verdict_of_a_concept_taken_out(measured: float, verdict: str) -> None:
    assert settle_verdicts([effect(measured, CONTROLS)])[0].verdict == verdict


def test_a_concept_without_controls_is_never_supported() -> None:
    assert settle_verdicts([effect(-3.0, [])])[0].verdict == "inconclusive"


def test_families_of_tests_do_not_adjust_each_other() -> None:
    hop = HopClaim(id="C5", source=TEXAS, target=TEXAS, measured=0.8, controls=CONTROLS, p=0.01)
    tested = settle_verdicts([effect(-3.0, CONTROLS), hop])
    assert [claim.p_holm for claim in tested] == [0.01, 0.01]


def test_why_there_is_no_lens_is_told_without_numbers_that_nothing_measured() -> None:
    state = state_of()
    note = "Concepts cannot be read on this model: It reads 16 tokens at once."
    state["concepts"] = {"note": note, "tested": True}
    assert chain_line(state)[0].text == "Concepts cannot be read on this model."
    assert checked(state) == []


def test_drawing_has_the_chain() -> None:
    drawn = concepts_drawn(claims_of(state_of(effect(-3.0, CONTROLS), swap(" Atlanta", installed=True))))
    assert drawn["concepts"][0]["id"] == "K1"
    assert drawn["concepts"][0]["swap"]["says"] == " Atlanta"
    assert [(hop["source"], hop["target"]) for hop in drawn["hops"]] == [("T2", "K1"), ("K1", "LD")]


def test_a_sentence_and_a_plain_telling_come_from_the_same_ledger() -> None:
    state = state_of(effect(-3.0, CONTROLS), swap(" Atlanta", installed=True))
    short, plain = (compose_answer(style, state, "model")["markdown"] for style in ("line", "simply"))
    assert "“Texas”" in short
    assert len(short) < len(plain)
    assert "p = " not in plain


def test_a_plain_telling_says_what_a_head_is_and_leaves_shares_out() -> None:
    way = RouteClaim(
        id="C9", verdict="observed", words=[WordPut(position=2, other=" Chicago")], says=" Springfield",
        target=4, stays=11, kept=0.9, gone=0.1, arrives=12, at_last=0.9,
        heads=[HeadShare(layer=12, head=2, share=0.6)], together=0.9,
        then=NextToken(token=" Springfield", p=0.4), others=[0.1] * 99,
    )  # fmt: skip
    state = state_of(effect(-3.0, CONTROLS), swap(" Atlanta", installed=True), cast(Any, way))
    answer = compose_answer("simply", state, "model")
    told = [sentence["text"] for sentence in answer["sentences"]]
    assert answer["refused"] == []
    where_it_is = (
        "The difference that “Dallas” makes is at that word first; from layer 12 on it is at the last word"
    )
    assert told[-2].startswith(where_it_is)
    assert told[-1].startswith(
        "One attention head, one of the parts by which one word looks at another, brings"
    )
    assert told[-1].endswith("when the text says “Chicago”, the model says “Springfield”.")
    assert "49 %" not in " ".join(told[2:])


def test_a_head_is_named_where_taking_its_look_away_counts_more_than_any_other_heads() -> None:
    state = state_of(effect(-3.0, CONTROLS), head(-2.0, [0.1, -0.3] * 35))
    told = " ".join(sentence.text for sentence in in_plain_words(state))
    assert "head, 9.2, brings it from “Dallas” to “in”" in told
    assert "falls by 50 %" in told
    assert "no other head" in told
    assert checked(state) == []
    (hop,) = [hop for hop in concepts_drawn(claims_of(state))["hops"] if hop["target"] == "LD"]
    assert hop["heads"] == [{"name": "9.2", "share": 0.5}]


def test_a_head_that_counts_no_more_than_others_is_in_the_evidence_only() -> None:
    state = state_of(effect(-3.0, CONTROLS), head(-0.2, [0.1, -0.3] * 35))
    assert not any("9.2" in sentence.text for sentence in in_plain_words(state))
    (shown,) = [sentence for sentence in concept_evidence(state) if "9.2" in sentence.text]
    assert "35 change it as much" in shown.text
    assert "refuted" in shown.text
    assert checked(state) == []


def test_writers_and_other_texts_are_told_in_the_evidence() -> None:
    written = [FeatureShare(feature="L3.N1142+@2", share=0.2), FeatureShare(feature="L5.N22-@2", share=-0.1)]
    whole = effect(-3.0, CONTROLS).model_copy(
        update={"writers": written, "elsewhere": OtherTextsChanged(texts=6, changed=0)}
    )
    state = state_of(whole)
    told = " ".join(sentence.text for sentence in concept_evidence(state))
    assert "L3.N1142+@2 (20 % of what all neurons add); L5.N22-@2 writes against it" in told
    assert "Taken out of 6 texts on other things" in told
    assert checked(state) == []


@pytest.mark.parametrize(("share", "said"), [(0.43, "43 %"), (-0.1, "nothing")])
def test_how_much_is_explained_is_told_with_what_as_many_others_keep(share: float, said: str) -> None:
    state = state_of(effect(-3.0, CONTROLS))
    claim = ExplainedClaim(
        id="C9", share=share, lead=4.0, concepts=["K1"], kept=20, controls=[0.01, -0.02], verdict="observed"
    )
    state["claims"].append(plain_claim(claim))
    (sentence,) = tell_explained(state)
    assert sentence.text.startswith(f"By itself “Texas” keeps {said} of the lead of “Austin”")
    assert "as many others drawn at random keep 1.0 % at most" in sentence.text
    assert find_faults([sentence], claims_of(state), []) == []


def test_folds() -> None:
    text = "\n\n".join(["a", folded("The evidence", "b\n\nc"), "d"])
    assert without_folds(text).split() == ["a", "d"]
    assert unfolded(text) == "a\n\n**The evidence.**\n\nb\n\nc\n\nd"


ASKED: list[tuple[str, Intent, dict[str, Any]]] = [
    ("does it think of France on the way?", Intent.CONCEPTS, {"other": "France"}),
    ("where does it know it is Texas?", Intent.CONCEPTS, {"other": "Texas"}),
    ("what is it thinking at 'Dallas'?", Intent.CONCEPTS, {"group": "Dallas"}),
    ("what does it have in mind?", Intent.CONCEPTS, {}),
    ("replace Texas by Georgia", Intent.SWAP, {"group": "Texas", "other": "Georgia"}),
    ("which layer knows the answer first?", Intent.LAYER, {}),
    ("in one sentence", Intent.LENGTH, {"other": "sentence"}),
    ("explain it simply", Intent.LENGTH, {"other": "simply"}),
    ("in detail", Intent.LENGTH, {"other": "detail"}),
]


@pytest.mark.parametrize(("message", "intent", "slots"), ASKED)
def test_questions_about_concepts(message: str, intent: Intent, slots: dict[str, str]) -> None:
    question = parse_question(message, has_graph=True)
    assert question.intent is intent
    assert {name: getattr(question, name) for name in slots} == slots


def test_a_concept_whose_loss_says_too_little_needs_an_exchange() -> None:
    alone = effect(-3.0, CONTROLS).model_copy(update={"needs_exchange": True})
    without, with_one = state_of(alone), state_of(alone, swap(" Atlanta", installed=True))
    assert not any("Texas" in sentence.text for sentence in [*chain_line(without), *in_plain_words(without)])
    assert concepts_drawn(claims_of(without))["path"] == []
    assert "“Dallas” → “Texas” → “Austin”" in chain_line(with_one)[0].text
    assert checked(without) == checked(with_one) == []


def test_what_it_has_in_mind_and_does_not_use_is_told_as_that() -> None:
    kept = effect(-0.1, CONTROLS).model_copy(update={"p_answer": 0.58, "needs_exchange": True})
    state = state_of(kept)
    state["concepts"] = {"note": "", "tested": True, "path": [], "idle": "K1"}
    told = " ".join(sentence.text for sentence in in_plain_words(state))
    assert "has “Texas” in mind, which hardly counts here" in told
    assert "“Austin” goes from 60 % to 58 %" in told
    assert checked(state) == []


def test_a_mark_of_the_model_is_not_told_as_a_word() -> None:
    lost = effect(-3.0, CONTROLS).model_copy(update={"says": [NextToken(token="<start_of_image>", p=0.4)]})
    state = state_of(lost)
    told = " ".join(sentence.text for sentence in in_plain_words(state))
    assert "it says no word but a mark of its own, “<start_of_image>” (40 %), instead of “Austin”" in told
    assert checked(state) == []


def test_what_it_leans_to_before_the_answer_is_told_with_its_layers() -> None:
    state = state_of(effect(-3.0, CONTROLS))
    first = [(0, "x"), (1, "x"), *((layer, " the") for layer in (4, 5, 6)), (7, " Austin"), (8, " Austin")]
    read = ConceptsClaim(
        id="C2", verdict="observed", concepts=[TEXAS], lead=4.0, first_words=first,
        answer_places=[(layer, 1 if layer >= 7 else 3) for layer, _ in first],
    )  # fmt: skip
    state["claims"][1] = plain_claim(read)
    told = " ".join(sentence.text for sentence in in_plain_words(state))
    assert "“x”" not in told  # it would never say that
    assert "it leans to “the” at first (layers 4 to 6); “Austin” comes first from layer 7 on" in told
    assert checked(state) == []


def test_a_head_that_brings_the_word_agreed_with_is_told_behind_the_mechanism() -> None:
    state = state_of(head(-2.0, [0.1, -0.3] * 35))
    agreed = MechanismClaim(
        id="C8", verdict="observed", mechanism="agreement", holds=True,
        says="“Austin” agrees with “Dallas”: with “Dalles” in its place it says “Salem”.",
    )  # fmt: skip
    state["claims"].append(plain_claim(agreed))
    state["concepts"] = {"note": "", "tested": True, "path": [], "source": "K1"}
    first, second, *_ = [sentence.text for sentence in in_plain_words(state)]
    assert first.startswith("“Austin” agrees with “Dallas”")
    assert (
        "At “in” an attention head, 9.2, looks back at “Dallas”: without what it brings from there" in second
    )
    assert checked(state) == []


def test_a_word_in_whose_place_another_turns_the_answer_comes_before_a_name_that_stays_open() -> None:
    state = state_of(effect(-3.0, CONTROLS), swap(" Austin", installed=False, by_chance=60))
    words = MechanismClaim(
        id="C9", verdict="observed", mechanism="words", holds=True, says="By the words.", shown=[0.1],
        line="With “Miami” in the place of “Dallas” it says “Orlando”: tested.", turns=True,
    )  # fmt: skip
    state["claims"].append(plain_claim(words))
    first, second = chain_line(state)
    assert first.text == words.line
    assert "“Texas” is only the nearest word" in second.text


def test_what_is_nearly_as_likely_is_told_where_it_is_not_compared_with() -> None:
    state = state_of(effect(-3.0, CONTROLS))
    case = cast(Any, state)["case"]
    case["predictions"] = [{**case["predictions"][0], "p": 0.3}, {"token": " the", "p": 0.28, "token_id": 9}]
    assert write_prediction(state, "m")[-1].text == "“the” is nearly as likely as “Austin” (28 %)."
    case["foil"] = " the"
    assert len(write_prediction(state, "m")) == 1


def test_a_name_that_no_exchange_bears_out_is_called_the_nearest_word() -> None:
    state = state_of(effect(-3.0, CONTROLS), swap(" Austin", installed=False, by_chance=60))
    (line,) = chain_line(state)
    assert "no exchange brings another's answer, so “Texas” is only the nearest word" in line.text
    assert checked(state) == []


@pytest.mark.parametrize(
    ("answer", "position", "goes_on"), [(" in", 4, True), (" in", 2, False), (" Rome", 4, False)]
)
def test_what_is_read_at_the_last_word_of_a_function_words_text_is_no_look_up(
    answer: str, position: int, goes_on: bool
) -> None:
    node = ConceptNode(
        name="came", tokens=(7,), position=position, first=3, last=9, best_layer=5, strength=4.0, rank=0,
        role="concept",
    )  # fmt: skip
    tested = where.TestedNode(node, -2.0, -0.5, 3, 0.1, (), p=0.05)
    chain = Chain(1, (), 4.0, (tested,), (0,), position, main=0)
    case = cast(Any, {"tokens": ["<bos>", "A", " stop", " they", " came"], "answer": answer})
    assert only_goes_on(chain, case) is goes_on


def test_why_a_head_looks_there_is_told_with_what_is_left_without_it() -> None:
    seen = head(-2.0, [0.1, -0.3] * 35)
    cues = [
        LookCue(name="Texas", position=2, attention=0.11, louder=0, asked=99, tried=4, p=0.04),
        LookCue(name="city", position=4, attention=0.2, louder=0, asked=99, tried=3, p=0.03),
    ]
    state = state_of(effect(-3.0, CONTROLS), seen.model_copy(update={"cues": cues}))
    told = " ".join(sentence.text for sentence in in_plain_words(state))
    assert "It gives that word 43 % of its attention there because of “Texas” at “Dallas”" in told
    assert "without which 11 % is left and “city” at “in”, without which 20 % is left" in told
    shown = " ".join(sentence.text for sentence in concept_evidence(state))
    assert (
        "of 99 unrelated words that move the stream as far none leaves as little (4 words were tried there)"
        in shown
    )
    assert checked(state) == []


def test_a_head_that_moves_next_to_nothing_is_not_worth_a_sentence() -> None:
    state = state_of(effect(-3.0, CONTROLS), head(-0.08, [0.01, -0.02] * 35))
    assert not any("attention head" in sentence.text for sentence in in_plain_words(state))


def test_a_slot_that_says_what_the_words_say_is_told_once() -> None:
    state = state_of()
    for name, kept in (("slot", 0.01), ("words", 0.02)):
        claim = MechanismClaim(
            id=f"C{len(name)}1", verdict="observed", mechanism=name, holds=True, says=f"By the {name}.",
            shown=[kept, 0.9],
        )  # fmt: skip
        state["claims"].append(plain_claim(claim))
    state["concepts"] = {"note": "", "tested": True, "path": []}
    told = [sentence.text for sentence in in_plain_words(state)]
    assert "By the words." in told
    assert "By the slot." not in told


@pytest.mark.parametrize(("kept", "line"), [(0.02, "By the words, in a line."), (0.7, "Anyway, in a line.")])
def test_what_is_said_whatever_stands_in_one_place_is_told_where_no_other_word_decides(
    kept: float, line: str
) -> None:
    state = state_of()
    for name, says, left in (("words", "By the words", kept), ("default", "Anyway", 1.0)):
        claim = MechanismClaim(
            id=f"C{len(name)}1", verdict="observed", mechanism=name, holds=True, says=f"{says}.",
            line=f"{says}, in a line.", shown=[left],
        )  # fmt: skip
        state["claims"].append(plain_claim(claim))
    state["concepts"] = {"note": "", "tested": True, "path": []}
    told = [sentence.text for sentence in in_plain_words(state)]
    assert ("Anyway." in told) == (kept > 0.5)
    assert chain_line(state)[0].text == line


def test_where_concepts_play_a_small_part_the_line_is_the_word_that_decides() -> None:
    claim = MechanismClaim(
        id="C7", verdict="observed", mechanism="words", holds=True, says="“Dallas” counts most.",
        line="“Austin” hangs on “Dallas”. With “Boston” in the place of “Dallas” it says “Salem”: tested.",
        shown=[0.02],
    )  # fmt: skip
    small = effect(-0.5, CONTROLS).model_copy(update={"p_answer": 0.5})
    state = state_of(small)
    assert chain_line(state)[0].text.startswith("No single concept decides it: “Texas” at “Dallas”")
    state["claims"].append(plain_claim(claim))
    assert chain_line(state)[0].text == claim.line
    assert checked(state) == []


@pytest.mark.parametrize(("left", "small"), [(0.42, True), (0.3, False)])
def test_a_concept_without_which_most_of_the_answer_is_left_plays_a_small_part(
    left: float, small: bool
) -> None:
    still = {"p_answer": left, "says": [NextToken(token=" Austin", p=left)]}
    state = state_of(effect(-3.0, CONTROLS).model_copy(update=still))
    assert chain_line(state)[0].text.startswith("No single concept decides it") is small


def test_what_the_weights_of_a_group_have_in_common_is_told_in_words_alone() -> None:
    state = state_of()
    state["groups"] = [
        Supernode(
            id="S1", name="say “ Austin”", kind="say", sign=1, share=0.2, effect=2.0, position=4,
            layers=[9, 12], members=["L9.N1@4"], lowers=[".", " the"],
            raises=[" Austin", " Dallas", " Waco", "\n", "_"],
        )
    ]  # fmt: skip
    test = EffectClaim(id="C9", groups=["S1"], intervention=Scaling(kind="ablate", factor=0.0), measured=-2.0)
    (told,) = tell_weights(test, state)
    assert told.text == "Among the likely next words the weights of S1 also raise “Dallas” and “Waco”."


def test_what_is_in_mind_and_not_used_stands_in_the_line_but_not_what_the_text_says_itself() -> None:
    idle = effect(0.3, CONTROLS).model_copy(update={"p_answer": 0.6})
    words = MechanismClaim(
        id="C7", verdict="observed", mechanism="words", holds=True, says="By the words.",
        line="By the words.", shown=[0.9],
    )  # fmt: skip
    state = state_of(idle)
    state["claims"].append(plain_claim(words))
    state["concepts"] = {"note": "", "tested": True, "path": [], "idle": "K1"}
    assert [sentence.text for sentence in chain_line(state)] == [
        "By the words.",
        "It has “Texas” in mind at “Dallas” and does not use it for “Austin”: tested.",
    ]
    assert checked(state) == []
    cast(Any, state)["case"]["tokens"][0] = "Texas"
    assert chain_line(state)[0].text == "By the words."


def test_one_exchange_of_several_is_no_chain_where_the_concept_can_be_spared() -> None:
    lucky = swap(" long", installed=True)
    none = [
        lucky.swaps[0].model_copy(update={"other": name, "installed": False}) for name in ("Ohio", "Utah")
    ]
    once = lucky.model_copy(update={"swaps": [*lucky.swaps, *none]})
    spared = effect(-0.2, CONTROLS)
    assert not held_concepts(settle_verdicts([spared, once]))
    assert set(held_concepts(settle_verdicts([spared, lucky]))) == {"K1"}  # of one that was tried, one
    assert set(held_concepts(settle_verdicts([effect(-3.0, CONTROLS), once]))) == {"K1"}
    state = state_of(spared, once)
    assert "Texas" not in " ".join(one.text for one in [*chain_line(state), *in_plain_words(state)])
    assert checked(state) == []


def test_where_what_is_named_keeps_no_more_than_chance_the_words_come_first() -> None:
    words = MechanismClaim(
        id="C7", verdict="observed", mechanism="words", holds=True, says="“Dallas” counts most.", text="x",
        line="“Austin” hangs on “Dallas”: tested.", shown=[0.1],
    )  # fmt: skip
    explained = ExplainedClaim(
        id="C8", verdict="observed", text="x", share=0.1, lead=4.0, concepts=["K1"], controls=[0.2, 0.3]
    )
    tests = effect(-3.0, CONTROLS), swap(" Atlanta", installed=True)
    first, _ = chain_line(state_of(*tests, cast(Any, words), cast(Any, explained)))
    assert first.text == words.line
    assert chain_line(state_of(*tests, cast(Any, words)))[0].text.startswith("“Dallas” → “Texas”")
