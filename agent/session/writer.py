"""The subject speaks: what it is given, what it writes, and what is kept of both. Explains nothing."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from agent.core import (
    LONGEST_TEXT,
    MOST_TOKENS,
    USUAL_TOKENS,
    Message,
    QuestionError,
    State,
    TextWritten,
    WriteRequest,
    Writing,
    WrittenToken,
    escape_md,
    find_parting,
    list_writings,
    percent,
    quote_token,
    round_reported,
    written_part,
)
from agent.experiments import hold_change
from agent.questions import Intent, Question, WritingRequest
from agent.workspace import Workspace
from tracer import (
    ChatMessage,
    Draft,
    HeldPass,
    Pen,
    TracerError,
    Written,
    draft_chat,
    draft_ids,
    draft_text,
    place_tokens,
    read_draft,
    spelled,
    write_draft,
)

LONGEST = 4096  # tokens of a text that is written on; what is explained of it has a limit of its own
PARTIAL = "\N{REPLACEMENT CHARACTER}"  # what a decoder puts where a character is not whole yet
ENDED = {
    "end": "The model ended here by itself.",
    "length": "It stopped after as many tokens as were asked for; “write on” goes on.",
    "stop": "It stopped where it was told to.",
    "stopped": "It was stopped.",
}


def to_write(wanted: WritingRequest) -> WriteRequest:
    """What a message asked for."""
    count = wanted.tokens or USUAL_TOKENS
    return WriteRequest(
        tokens=count, change=wanted.change, factor=wanted.factor, other=wanted.other, hold=wanted.hold
    )


def check_request(request: WriteRequest) -> None:
    """Raise QuestionError, with the limit, for what cannot be done."""
    if not 1 <= request.tokens <= MOST_TOKENS:
        raise QuestionError(f"Between 1 and {MOST_TOKENS:,} tokens can be written, not {request.tokens}.")
    if len(text := request.text or "") > LONGEST_TEXT:
        raise QuestionError(f"The text has {len(text):,} characters; the limit here is {LONGEST_TEXT:,}.")
    if not 0 <= request.temperature <= 5:
        raise QuestionError(
            f"The temperature is between 0 (always the likeliest token) and 5, not {request.temperature:g}."
        )
    if request.hold not in ("all", "text"):
        raise QuestionError(f"A change is held for “all” or for the “text” alone, not {request.hold!r}.")


def write(
    workspace: Workspace, state: State, request: WriteRequest, stop: threading.Event
) -> Generator[TextWritten, None, tuple[Message, Message]]:
    """The subject writes; gives the two lines of the conversation. Raises QuestionError, never for a stop."""
    check_request(request)
    known = len(list_writings(state.get("history", [])))
    try:
        if request.change is not None:
            writing = yield from _write_changed(workspace, state, request, stop, known)
        else:
            draft, messages, last = make_draft(workspace, state, request)
            writing = begin_writing(draft, messages, request, last, known)
            yield from _stream(workspace, draft, writing, request, stop)
            if messages is not None:
                said = {"role": "assistant", "content": written_part(writing)}
                writing["messages"] = [*_plain(messages), said]
            _read_what_was_given(workspace, draft, writing)
    except TracerError as exc:
        raise QuestionError(str(exc)) from exc
    yield TextWritten(dict(writing), "", done=True)
    asked = request.text or _asked(request)
    words = "\n\n".join([written_part(writing), *writing["notes"], ENDED[writing["ended"]]])
    return (
        Message(role="user", content=asked),
        Message(role="assistant", content=escape_md(words), writing=dict(writing)),
    )


def _asked(request: WriteRequest) -> str:
    """What was asked for, as the conversation shows it."""
    if request.change is None:
        return "write on"
    done = "removed" if request.factor == 0 else f"times {request.factor:g}"
    how = f"replaced by {request.other}" if request.other is not None else done
    only = ", in the text only" if request.hold == "text" else ""
    return f"write on with {request.change} {how}{only}"


def _write_changed(
    workspace: Workspace, state: State, request: WriteRequest, stop: threading.Event, known: int
) -> Generator[TextWritten, None, Writing]:
    """The text that was explained, gone on with as the model is, and then with something changed."""
    case = state.get("case")
    if case is None:
        raise QuestionError("Ask why about a text first: what is changed is a part of what was found on it.")
    if request.text not in ("", case["text"]):
        raise QuestionError("What is changed is a part of the text that was explained: give no other text.")
    change = hold_change(workspace, state, request)
    draft = draft_text(workspace.subject, case["text"], LONGEST)
    plain = begin_writing(draft, None, request, None, known)
    yield from _stream(workspace, draft, plain, request, stop)
    _read_what_was_given(workspace, draft, plain)
    writing = begin_writing(draft, None, request, None, known + 1)
    writing["change"] = {"words": change.words, "where": change.where, "plain": plain}
    if not stop.is_set():
        yield from _stream(workspace, draft, writing, request, stop, change.held)
    for token, old in zip(writing["tokens"], plain["tokens"][: plain["given"]], strict=False):
        token["p"], token["likeliest"] = old["p"], old["likeliest"]
    writing["notes"] += [_tell_parting(writing), "“Why this one?” is about the model as it is."]
    return writing


def _tell_parting(writing: Writing) -> str:
    """What was changed, where it was held, and where the continuations part."""
    change, parting = writing["change"], find_parting(writing)
    held = f"The model writes {change['words']}, held {change['where']}."
    if parting is None:
        return f"{held} Both continuations are the same."
    sides = []
    for side in (change["plain"]["tokens"], writing["tokens"]):
        token = side[parting] if parting < len(side) else None
        p = percent((token and token["p"]) or 0.0)
        sides.append("the end" if token is None else f"{quote_token(token['text'])} ({p})")
    place = parting - writing["given"] + 1
    return f"{held} They part at token {place}: as it is {sides[0]}, changed {sides[1]}."


def make_draft(
    workspace: Workspace, state: State, request: WriteRequest
) -> tuple[Draft, list[ChatMessage] | None, Writing | None]:
    """What is given to the model; the messages where it is a conversation, and the writing gone on with."""
    subject = workspace.subject
    before = list_writings(state.get("history", []))
    last = before[-1] if before else None
    if not request.text:
        return _go_on(workspace, state, last)
    if request.chat is False or (request.chat is None and not subject.chat.exists):
        return draft_text(subject, request.text, LONGEST), None, None
    earlier = [] if last is None else last["messages"] or []
    messages = [ChatMessage(one["role"], one["content"]) for one in earlier]
    if request.system is not None:
        messages = [m for m in messages if m.role != "system"]
        messages = [ChatMessage("system", request.system), *messages] if request.system else messages
    messages.append(ChatMessage("user", request.text))
    return draft_chat(subject, messages, LONGEST), messages, None


def _go_on(
    workspace: Workspace, state: State, last: Writing | None
) -> tuple[Draft, list[ChatMessage] | None, Writing | None]:
    case = state.get("case")
    if last is None:
        if case is None:
            raise QuestionError("There is no text to write on from yet. Give one.")
        return draft_text(workspace.subject, case["text"], LONGEST), None, None
    ids = [token["id"] for token in last["tokens"]]
    if last["ended"] == "end":  # the end it wrote is taken off again
        raise QuestionError("The model ended its text itself. Say something new, or give a text to write on.")
    said = last["messages"]
    messages = None if said is None else [ChatMessage(m["role"], m["content"]) for m in said[:-1]]
    return draft_ids(workspace.subject, last["text"], ids), messages, last


def begin_writing(
    draft: Draft,
    messages: list[ChatMessage] | None,
    request: WriteRequest,
    last: Writing | None,
    known: int,
) -> Writing:
    """The given tokens, before anything is written."""
    shown = draft.roles[-2].first if messages and len(messages) > 2 and len(draft.roles) > 1 else 0
    given = len(draft.ids) if last is None else last["given"]
    tokens: list[WrittenToken] = [
        {"text": text, "id": token_id, "start": start, "p": None, "likeliest": []}
        for text, token_id, start in zip(draft.tokens, draft.ids, draft.starts, strict=True)
    ]
    if last is not None:
        for token, old in zip(tokens, last["tokens"], strict=True):
            token["p"], token["likeliest"] = old["p"], old["likeliest"]
        shown = last["shown"]
    pen = {name: getattr(request, name) for name in ("tokens", "temperature", "seed")}
    return {
        "id": f"W{known + 1}",
        "text": draft.text,
        "tokens": tokens,
        "given": given,
        "shown": shown,
        "template": list(draft.template),
        "roles": [(part.role, part.first, part.end) for part in draft.roles],
        "messages": None if messages is None else _plain(messages),
        "pen": {**pen, "stop": list(request.stop)},
        "ended": "length",
        "notes": list(draft.notes),
    }


def _plain(messages: list[ChatMessage]) -> list[dict[str, str]]:
    return [message._asdict() for message in messages]


def _stream(
    workspace: Workspace,
    draft: Draft,
    writing: Writing,
    request: WriteRequest,
    stop: threading.Event,
    held: HeldPass | None = None,
) -> Iterator[TextWritten]:
    """Tokens as they come; how it ended is entered in the writing."""
    subject = workspace.subject
    pen = Pen(request.tokens, request.temperature, request.seed, tuple(request.stop))
    begun, ids, text = len(spelled(subject, draft.ids)), list(draft.ids), draft.text
    told = len(text)  # how much of it was yielded: a character that is not whole yet is kept back
    how = () if held is None else (held,)
    with closing(write_draft(subject, draft, pen, *how)) as tokens:
        for token in tokens:
            place = len(ids)
            ids.append(token.token_id)
            whole = draft.text + spelled(subject, ids)[begun:]
            start = None if text.endswith(PARTIAL) else len(text)
            writing["tokens"].append(enter_token(token, start))
            if token.ends:
                writing["ended"] = "end"
                writing["template"].append(place)
            else:
                text = writing["text"] = whole
                new = whole.rstrip(PARTIAL)[told:]
                told += len(new)
                yield TextWritten(dict(writing), new)
            if stop.is_set():
                writing["ended"] = "stopped"
                return
    if told < len(text):
        yield TextWritten(dict(writing), text[told:])
    if writing["ended"] == "length" and len(ids) - len(draft.ids) < request.tokens:
        writing["ended"] = "stop"
    if writing["roles"] and writing["roles"][-1][0] == "assistant":
        role, first, _ = writing["roles"][-1]
        writing["roles"][-1] = (role, first, len(ids) - int(writing["ended"] == "end"))


def enter_token(token: Written, start: int | None) -> WrittenToken:
    """A token as it is kept."""
    likeliest = [(one.token, round_reported(one.p)) for one in token.likeliest]
    return {
        "text": token.text, "id": token.token_id, "start": start, "p": round_reported(token.p),
        "likeliest": likeliest,
    }  # fmt: skip


def _read_what_was_given(workspace: Workspace, draft: Draft, writing: Writing) -> None:
    """Enter the probabilities of the tokens that were given, where they are not known yet."""
    first = next((i for i, token in enumerate(writing["tokens"]) if token["p"] is None and i >= 1), None)
    if first is None or first >= len(draft.ids):
        return
    first = max(first, writing["shown"])
    for place, read in enumerate(read_draft(workspace.subject, draft, first), first):
        if read is not None:
            writing["tokens"][place] = enter_token(read, writing["tokens"][place]["start"])


def find_token(writing: Writing, word: str) -> int | None:
    """The last place where a word stands in a writing: its first token there."""
    wanted = word.strip() or word
    text, places = place_tokens([token["text"] for token in writing["tokens"]])
    at = text.rfind(wanted)
    if at < 0 or not wanted:
        return None
    inside = [i for i, (a, b) in enumerate(places) if a <= at < b]
    if inside and not writing["tokens"][inside[0]]["text"].strip():
        inside[0] += 1
    return inside[0] if inside else None


def read_token(workspace: Workspace, history: list[Message], name: str, position: int) -> dict[str, Any]:
    """The question about one token of a writing: the text before it, and the token; raises QuestionError."""
    writing = next((one for one in list_writings(history) if one["id"] == name), None)
    if writing is None or not 0 <= position < len(writing["tokens"]):
        raise QuestionError("That token is not in this conversation any more.")
    token = writing["tokens"][position]
    if token["start"] is None:
        raise QuestionError(
            "That token is put there by the model's own tokeniser, or is a part of a character: no text ends "
            "before it. Take the next one."
        )
    text = writing["text"][: token["start"]]
    if not text:
        raise QuestionError("Nothing stands before the first word, so nothing led to it. Take a later one.")
    ids = [one["id"] for one in writing["tokens"][:position]]
    workspace.know_written(text, ids)
    return {"text": text, "said": token["text"]}


def find_written(workspace: Workspace, state: State, question: Question) -> Question:
    """A why about a word that the model just wrote is about that word in its place."""
    history = state.get("history", [])
    just = list_writings(history[-1:])
    if not just or question.intent is not Intent.WHY or question.text is not None or not question.said:
        return question
    position = find_token(just[0], question.said)
    if position is None or just[0]["tokens"][position]["start"] in (None, 0):
        return question
    found = read_token(workspace, history, just[0]["id"], position)
    return replace(question, text=found["text"], said=question.said)
