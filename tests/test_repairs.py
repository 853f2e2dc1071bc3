"""Mistakes of the real model, explained and repaired through the agent, and stopped half-way."""

import threading

import pytest
from tests_support import logits_after, token_id
from tolerance import near, size_of

from agent import Failed, ReportReady, Session, StepProgress

DALLAS = "The capital of the U.S. state that contains the city of Dallas is the city of"
MISTAKES = {
    "36+59": ("36+59=", "1", "9"),
    "Dallas": (DALLAS, " Dallas", " Austin"),
}


@pytest.fixture(scope="module")
def workspace(plain_desk):
    return plain_desk


@pytest.mark.slow  # test_abilities.py repairs one mistake, with the same checks of every number
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_and_repaired(name, workspace, embedded_subject):
    text, said, right = MISTAKES[name]
    question = f"Why does '{text}' continue with {said.strip()}? The right answer is {right.strip()}."
    events = list(Session(workspace, name).ask(question))
    report = next(e.report for e in events if isinstance(e, ReportReady))
    assert (report["question"]["answer"], report["question"]["foil"]) == (said, right)
    assert report["answer"]["refused"] == []
    flips = [c for c in report["claims"] if (c.get("repair") or {}).get("wanted") == right]
    assert flips
    clean, wanted = logits_after(embedded_subject, text, [], 1.0), token_id(embedded_subject, right)
    answer = token_id(embedded_subject, said)
    assert int(clean.argmax()) == answer
    for claim in flips:
        factor, members = claim["intervention"]["factor"], claim["members"]
        logits = logits_after(embedded_subject, text, members, factor)
        assert int(logits.argmax()) == wanted
        moved = float(logits[answer] - logits[wanted] - clean[answer] + clean[wanted])
        assert claim["measured"] == near(moved, size=size_of(logits))
        margin = float(logits[wanted] - logits.topk(2).values[1])
        assert claim["repair"]["margin"] == near(margin, size=size_of(logits))
        if len(members) > 1:
            left_out = [[m for m in members if m != left] for left in members]
            assert all(
                int(logits_after(embedded_subject, text, fewer, factor).argmax()) != wanted
                for fewer in left_out
            )
    smallest = min(flips, key=lambda c: len(c["members"]))
    assert smallest is flips[0]
    words = " ".join(s["text"] for s in report["answer"]["sentences"])
    size = len(smallest["members"])
    assert not any(
        "neurons, " in s["text"] for s in report["answer"]["sentences"][:4]
    )  # a repair is no group
    assert f" {size} neuron{'s' if size > 1 else ''}" in words
    assert "The smallest change found" in words
    assert f"The model then says “{right}”" in words
    shown = [e.done for e in events if isinstance(e, StepProgress) and e.step == "flip"]
    assert len(shown) > 4
    assert shown == sorted(shown)


def test_a_search_that_is_stopped_ends_at_once(workspace):
    stop, events = threading.Event(), []
    for event in Session(workspace, "stopped").ask("What would make '36+59=' continue with 9?", cancel=stop):
        events.append(event)
        if isinstance(event, StepProgress) and event.step == "flip" and event.done > 0:
            stop.set()
    assert events[-1] == Failed("Stopped.")
    tried = [e for e in events if isinstance(e, StepProgress) and e.step == "flip" and e.done > 0]
    assert len(tried) < 45  # of 130: on a busy machine some are tried before this thread is woken
