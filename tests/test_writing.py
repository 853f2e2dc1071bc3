"""The subject speaks: tokens in their places, chat templates, what is refused, and why of a written word."""

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from agent import (
    AnswerText,
    Failed,
    Session,
    TextWritten,
    WriteRequest,
    find_token,
)
from agent.core import text_before, written_part
from tracer.models import ChatMessage, Pen, end_tokens, read_given, write_on
from ui.base.written import render_writing

if TYPE_CHECKING:
    from agent import Workspace
    from tracer import Model

TEXT = "Mount Fuji is the tallest mountain in"
TEXAS = "Texas, whose capital is"  # which other tests ask about
ROW = "<|im_start|>{}\n{}<|im_end|>\n"
MIXED = "{{ raise_exception('roles must alternate') }}"


@pytest.fixture(scope="module")
def workspace(quick_desk: "Workspace") -> "Workspace":
    return quick_desk


@pytest.fixture(scope="module")
def smollm(cache_folder: Any) -> "Model":
    from tracer import load

    return load("smollm2", cache=cache_folder)


def written(session: Session, **request: Any) -> dict[str, Any]:
    """What the model writes; raises with what went wrong."""
    last: dict[str, Any] = {}
    for event in session.write(WriteRequest(**request)):
        if isinstance(event, Failed):
            raise AssertionError(event.why)
        assert isinstance(event, TextWritten)
        last = event.writing
    return last


def test_tokens_are_those_of_a_pass_without_a_cache(embedded_subject: "Model") -> None:
    ids = embedded_subject.encode(TEXT, 64)
    found = list(write_on(embedded_subject, ids, Pen(tokens=4)))
    for token in found:
        logits = embedded_subject.logits(ids)
        p = logits.double().softmax(-1)
        assert token.token_id == int(logits.argmax())
        assert math.isclose(token.p, float(p[token.token_id]), rel_tol=5e-3)
        assert [one.token_id for one in token.likeliest[:3]] == p.topk(3).indices.tolist()
        ids = torch.cat([ids, ids.new_tensor([token.token_id])])
    given = read_given(embedded_subject, ids)
    assert given[0] is None
    assert [one.token_id for one in given[1:] if one] == ids[1:].tolist()
    for one, before in zip(given[-4:], found, strict=True):
        assert one is not None
        assert math.isclose(one.p, before.p, rel_tol=5e-3)


def test_a_seed_draws_the_same_and_a_stop_stops(embedded_subject: "Model") -> None:
    ids = embedded_subject.encode(TEXT, 64)
    pen = Pen(tokens=6, temperature=1.0, seed=4)
    first, second = ([one.token_id for one in write_on(embedded_subject, ids, pen)] for _ in range(2))
    assert first == second
    stopped = list(write_on(embedded_subject, ids, Pen(tokens=12, stop=("Japan",))))
    assert [one.text for one in stopped] == [" Japan"]


def test_every_token_stands_where_it_says(workspace: "Workspace") -> None:
    given = "Write a poem:\n\n  🙂 x\n"
    found = written(Session(workspace, "places"), text=given, tokens=6, temperature=1.0, seed=3)
    assert found["text"].startswith(given)
    for position, token in enumerate(found["tokens"]):
        before = text_before(found, position)  # type: ignore[arg-type]
        if before is not None and not token["text"].startswith("<0x"):
            assert found["text"].startswith(token["text"], len(before))
    page = render_writing(found)
    assert "\n\n" not in page
    assert page.count("ac-tok") == len(found["tokens"]) - 1  # all but the begin token


def test_it_goes_on_and_a_written_word_is_explained_in_its_place(plain_desk: "Workspace") -> None:
    session = Session(plain_desk, "goes-on")
    first = written(session, text=TEXAS, tokens=3)
    second = written(session, tokens=3)
    assert second["text"].startswith(first["text"])
    assert second["given"] == first["given"]
    assert written_part(second).startswith(" Austin")  # type: ignore[arg-type]
    place = find_token(second, "Austin")  # type: ignore[arg-type]
    assert place is not None
    said = "".join(
        event.text for event in session.explain_token(second["id"], place) if isinstance(event, AnswerText)
    )
    assert f"After “{TEXAS}”" in said
    assert "“Austin”" in said


def test_what_cannot_be_written_is_one_sentence(workspace: "Workspace") -> None:
    for request, word in (
        ({"text": TEXT, "tokens": 0}, "Between 1 and 1,000"),
        ({"text": TEXT, "temperature": 9}, "temperature"),
        ({"text": TEXT, "chat": True}, "no chat template"),
        ({}, "no text to write on"),
        ({"text": "word " * 9000}, "limit"),
    ):
        events = list(Session(workspace, "refused").write(WriteRequest(**request)))  # type: ignore[arg-type]
        assert [type(event) for event in events] == [Failed]
        assert word in events[0].why  # type: ignore[union-attr]


def test_a_template_is_rendered_and_read_back(smollm: "Model") -> None:
    said = [ChatMessage("system", "Be short."), ChatMessage("user", "a\n b "), ChatMessage("assistant", "c")]
    text = smollm.chat.render([*said, ChatMessage("user", "d")])
    assert text == "".join(ROW.format(*m) for m in said) + ROW.format("user", "d") + "<|im_start|>assistant\n"
    read = [(part.role, text[part.start : part.end]) for part in smollm.chat.read(text)]
    assert read == [*map(tuple, said), ("user", "d"), ("assistant", "")]
    bare = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert [part.role for part in smollm.chat.read(bare)] == ["user", "assistant"]
    assert smollm.chat.read(TEXT) == ()
    assert smollm.chat.stop in end_tokens(smollm)


def test_a_template_that_fails_or_is_missing_is_a_sentence(smollm: "Model") -> None:
    from tracer.models import ChatError, ChatFormat

    class Broken:
        chat_template, bos_token, bos_token_id = MIXED, None, None

        def apply_chat_template(self, *_given: Any, **_how: Any) -> str:
            return str(smollm.tokenizer.apply_chat_template(*_given, chat_template=MIXED, **_how))

    with pytest.raises(ChatError, match="cannot write this: roles must alternate"):
        ChatFormat("broken", Broken()).render([ChatMessage("user", "x")])
    with pytest.raises(ChatError, match="no role 'tool'"):
        smollm.chat.render([ChatMessage("tool", "x")])


def test_a_template_s_tokens_are_no_words_of_a_text(smollm: "Model") -> None:
    from tracer import Study
    from tracer.concepts.words import word_places
    from ui.base.written import show_conversation

    text = smollm.chat.render([ChatMessage("user", "What is the capital of France?")])
    study = Study(smollm, text, 128)
    assert not any("<|" in token for token in study.tokens)
    assert [part.role for part in study.roles] == ["system", "user", "assistant"]
    places = word_places(study.frozen)
    assert places[-1] == len(study.tokens) - 1  # where the answer is formed
    said = "".join(study.tokens[place] for place in places[:-1])
    assert said.endswith("Hugging FaceWhat is the capital of France?")
    shown = show_conversation(study.tokens)
    assert shown is not None
    assert "you: What is the capital of France?" in shown


def test_messages_that_let_it_write_are_told_from_texts() -> None:
    from agent.questions import read_writing_request

    asks = {
        "write on": (None, None),
        "continue for 20 tokens": (20, None),
        "let it write on for 12 tokens without S3": (12, "S3"),
        "Write on with Japan replaced by China.": (None, "Japan"),
    }
    for message, (tokens, change) in asks.items():
        wanted = read_writing_request(message)
        assert wanted is not None
        assert (wanted.tokens, wanted.change) == (tokens, change)
    held = read_writing_request("write on with S2 scaled by 2, in the text only")
    assert held is not None
    assert (held.factor, held.hold) == (2.0, "text")
    for text in ("continue", "Write on the board that", "Continue without", "He went on", "write a poem"):
        assert read_writing_request(text) is None


def test_what_follows_a_change_is_written_beside_what_follows_without(workspace: "Workspace") -> None:
    from agent import read_bundle
    from agent.core import find_parting

    session = Session(workspace, "changed")
    for _ in session.ask(TEXT):
        pass
    for message, hold in (("write on for 4 tokens with Japan replaced by China", "nowhere behind it"),
                          ("write on for 4 tokens without S1", "at every word it writes")):  # fmt: skip
        events = [event for event in session.ask(message) if isinstance(event, TextWritten)]
        writing: Any = events[-1].writing
        assert hold in writing["change"]["where"]
        assert writing["change"]["plain"]["text"].startswith(f"{TEXT} Japan")
    first: Any = session.history()[3]["writing"]
    assert find_parting(first) == first["given"]
    assert "China" in first["text"]
    kept = read_bundle(session.bundle().text().encode())
    assert kept.replay() == []
    assert sum("writing" in line for line in kept.history) == 2
    assert "ac-sides" in render_writing(first)
