"""Mistakes, other texts, comparisons: on the real model, repeated by independent code; and lies."""

import copy
import json
import re

import pytest
from tests_support import logits_after, token_id
from tolerance import near, size_of

from agent import ReportReady, Session, collect_report, read_settings
from agent.answers.compose import compose_answer
from agent.answers.llm_rewording import check_rewording
from agent.core.selectors import claims_of
from agent.evidence.ledger import Sentence, find_faults

MISTAKE = "Why does 'Illinois, whose capital is' continue with Chicago? The right answer is Springfield."


@pytest.fixture(scope="module")
def workspace(plain_desk):
    return plain_desk


@pytest.fixture(scope="module")
def talk(workspace):
    """A mistake, then two other states, then another text: the session and the three reports."""
    session = Session(workspace, "abilities")
    reports, states, plain = [], [], workspace.settings
    for words in (MISTAKE, "Does it hold for Ohio and Colorado?", "compare it with 'Ohio, whose capital is'"):
        reports.append(collect_report(session.ask(words)))
        states.append(dict(session._state()))
        assert session.bundle().replay() == []
        workspace.settings = read_settings(data_dir=plain.data_dir, controls=19)  # of what follows the first
    workspace.settings = plain
    return reports, states


def test_a_mistake_is_repaired_by_a_set_that_can_spare_none(talk, embedded_subject):
    report = talk[0][0]
    assert report["answer"]["refused"] == []
    answer, right = (token_id(embedded_subject, t) for t in (" Chicago", " Springfield"))
    flips = [c for c in report["claims"] if c.get("repair")]
    assert flips
    clean = logits_after(embedded_subject, report["text"], [], 1.0)
    for claim in flips:
        factor, members = claim["intervention"]["factor"], claim["members"]
        logits = logits_after(embedded_subject, report["text"], members, factor)
        moved = float(logits[answer] - logits[right] - clean[answer] + clean[right])
        assert claim["measured"] == near(moved, size=size_of(logits))
        margin = float(logits[right] - logits.topk(2).values[1])
        assert claim["repair"]["margin"] == near(margin, size=size_of(logits))
        assert int(logits.argmax()) == right
        assert claim["says"][0]["token"] == " Springfield"
        assert claim["controls"]["n"] == 99
        for left in members if len(members) > 1 else []:
            fewer = logits_after(embedded_subject, report["text"], [m for m in members if m != left], factor)
            assert int(fewer.argmax()) != right
    words = " ".join(s["text"] for s in report["answer"]["sentences"])
    for said in ("Measured to work for", "is outweighed most at", "The smallest change found"):
        assert said in words


def test_it_decides_and_says_why(talk):
    report = talk[0][0]
    kinds = [line["action"] for line in report["log"]]
    assert kinds.index("hypothesise") < kinds.index("test") < kinds.index("flip") < kinds.index("answer")
    assert all(line["why"] for line in report["log"])


def test_other_entities_are_counted_text_by_text(talk, embedded_subject):
    report = talk[0][1]
    assert report["answer"]["refused"] == []
    (claim,) = [c for c in report["claims"] if c["kind"] == "rate"]
    assert [row["text"] for row in claim["texts"]] == ["Ohio, whose capital is", "Colorado, whose capital is"]
    (own,) = [g for g in report["supernodes"] if g["id"] == claim["groups"][0]]
    word = talk[1][1]["case"]["tokens"][own["position"]]
    chosen = next(s["text"] for s in report["answer"]["sentences"] if "looked for in the other" in s["text"])
    assert ("Illinois" in word) == ("a word that changes" in chosen)
    assert ("the strongest" in chosen) != ("a word that changes" in chosen)
    for row in claim["texts"]:
        clean = logits_after(embedded_subject, row["text"], [], 1.0)
        logits = logits_after(embedded_subject, row["text"], row["members"], 0.0)
        moved = (logits - clean)[row["answer_id"]] - (logits - clean)[row["foil_id"]]
        assert row["measured"] == near(float(moved), size=size_of(logits))
        assert int(clean.argmax()) == row["answer_id"]
    held = sum(row["holds"] for row in claim["texts"])
    assert any(
        f"On {held} of 2 texts about another entity" in s["text"] for s in report["answer"]["sentences"]
    )


def test_two_texts_are_compared_and_one_swap_between_them_is_tested(talk, embedded_subject):
    report = talk[0][2]
    assert report["answer"]["refused"] == []
    words = " ".join(s["text"] for s in report["answer"]["sentences"])
    assert "groups have a counterpart in the other text" in words
    assert "“Ohio, whose capital is” itself is continued with “ Columbus”" in words
    (swap,) = [c for c in report["claims"] if c.get("intervention", {}).get("kind") == "swap"]
    assert swap["intervention"]["donor"]["text"] == "Ohio, whose capital is"
    assert len(swap["members"]) == 100


LIES = {
    "a better rate": ("On ", lambda t: t.replace(" of 2 ", " of 3 ")),
    "all of them": ("On ", lambda t: "On all texts" + t.split("entity")[1]),
    "a rate in words": ("On ", lambda t: t.replace("On ", "On two thirds, that is ")),
    "a rate as a share": ("On ", lambda t: t.replace(" of 2 ", " of 2 (97 %) ")),
    "a finding for every text": ("On ", lambda t: t.replace("texts about another entity", "always")),
    "another text": ("Ohio, whose", lambda t: t.replace("Ohio", "Nevada")),
    "another answer": ("“ Columbus”", lambda t: t.replace("“ Columbus”", "“ Cleveland”")),
    "what does not hold, holds": ("does not hold", lambda t: t.replace("does not hold", "holds")),
    "what holds, does not": (": holds", lambda t: t.replace("holds", "does not hold")),
    "a repair with fewer neurons": (
        "The smallest change found",
        lambda t: re.sub(r"(\d+) (neurons?)", r"\1 \2, or no neurons", t),
    ),
    "a repair that needs nothing": (
        "The smallest change found",
        lambda t: t + " Nothing else is needed, always.",
    ),
    "controls that never do it": ("matched random sets", lambda t: t.replace("at most", "never more than")),
    "another wanted token": ("The smallest change found", lambda t: t.replace("Springfield", "Peoria")),
    "a cause from where it is lost": (
        "is outweighed most",
        lambda t: t.replace("It is", "The error is caused, and it is"),
    ),
    "shared features multiplied": ("have a counterpart", lambda t: t.replace("in all", "in all 999 of")),
    "a comparison called a cause": ("have a counterpart", lambda t: t + " This drives the answer."),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_repairs_rates_and_comparisons_are_refused(lie, talk):
    marker, change = LIES[lie]
    told = 0
    for state, style in zip(copy.deepcopy(talk[1]), ("why", "holds", "compare"), strict=True):
        if lie == "what does not hold, holds":
            for rate in (c for c in state["claims"] if c["kind"] == "rate"):
                rate["texts"][0]["holds"] = False
        said = [s for s in compose_answer(style, state, "m")["sentences"] if marker in s["text"]]
        for sentence in said:
            old = Sentence(sentence["text"], tuple(sentence["claims"]))
            new = Sentence(change(old.text), old.claims)
            if new.text == old.text:
                continue
            told += 1
            reply = json.dumps({"sentences": [{"n": 1, "text": new.text, "claims": list(old.claims)}]})
            names = [g["id"] for g in state["groups"]]
            worded = check_rewording([old], reply, claims_of(state), names)
            assert worded.sentences == [old]
            assert worded.refused
            if lie in ("a rate in words", "a rate as a share", "a cause from where it is lost"):
                assert find_faults([new], claims_of(state), names)
    assert told, "the lie was told about nothing"


@pytest.mark.slow  # test_leading.py asks one text in several ways
@pytest.mark.parametrize(
    "words",
    [
        "Why does 'Texas, whose capital is' continue with Austin?",
        "Why does 'Texas, whose capital is' continue with Austin, surely because of Texas?",
    ],
)
def test_a_leading_question_changes_no_verdict(words, workspace, verdicts):
    report = next(
        (e.report for e in Session(workspace, words).ask(words) if isinstance(e, ReportReady)), None
    )
    if report is not None:
        verdicts.append([(c["text"], c["measured"], c["verdict"]) for c in report["claims"]])
        assert verdicts[0] == verdicts[-1]


@pytest.fixture(scope="module")
def verdicts():
    return []
