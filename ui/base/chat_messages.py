"""Events as chat messages. Pure: knows no Gradio, no session."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, assert_never

from agent import Answered, Asks, Drew, Event, Failed, Said, Working

if TYPE_CHECKING:
    from agent import Unfinished

Message = dict[str, Any]
CUT_OFF = "This question was stopped before it was answered. “Go on” answers it from where it stood."
MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-=!|~$:.])")
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)  # four blanks would make a block of code
SLOW = 15.0  # seconds after which the clock of one who waits goes on; a new place is told at once
TURNED = re.compile("“([^“”]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc][^“”]*)”")  # written from right to left
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the work, as far as it got."""

    name: str
    done: float
    note: str
    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What has been heard so far in answer to one message."""

    steps: tuple[Step, ...] = ()
    said: str = ""
    failed: str = ""


def words(text: str) -> str:
    """Text as markdown that shows just that text: no markup, no tag, no link, no picture."""
    escaped = MARKUP.sub(r"\\\1", INDENT.sub(lambda gap: "\u00a0" * len(gap[0]), visible(text)))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def visible(text: str) -> str:
    """Text with a sign for each character that cannot be seen or would turn the line round."""
    return HIDDEN.sub(lambda found: f"‹{ord(found.group()):x}›", text)


def hear(turn: Turn, event: Event, seconds: float) -> Turn:
    """The turn after one more event, `seconds` after the question."""
    match event:
        case Working(step, done, note):
            return replace(turn, steps=worked(turn.steps, step, done, note, seconds))
        case Said(text, cites, circuit):
            return replace(turn, said=turn.said + marked(text, cites, circuit))
        case Failed(why):
            return replace(turn, failed=why)
        case Asks(what):
            return replace(turn, said=turn.said + words(what))
        case Drew() | Answered():
            return turn
        case _:
            assert_never(event)


def worked(steps: tuple[Step, ...], name: str, done: float, note: str, seconds: float) -> tuple[Step, ...]:
    """The steps with one of them moved on; what came before it is done with."""
    last = steps[-1] if steps else None
    if last and last.name == name and last.done < 1:
        moved = replace(last, done=done, note=note or last.note, seconds=seconds - last.began)
        return (*steps[:-1], moved)
    return (*steps, Step(name, done, note, began=seconds, seconds=0.0))


def show(turn: Turn, seconds: float, *, over: bool = False) -> list[Message]:
    """The messages of a turn: what was done (folds away), what was said, what went wrong."""
    messages = []
    if turn.steps:
        messages.append(progress(turn, seconds, over=over or bool(turn.failed)))
    if turn.said:
        messages.append({"role": "assistant", "content": turn.said})
    if turn.failed:
        stopped = turn.failed.strip() == "Stopped."
        messages.append({"role": "assistant", "content": "**Stopped.**"} if stopped else trouble(turn.failed))
    if not messages and not over:
        messages.append({"role": "assistant", "content": "…"})
    return messages


def progress(turn: Turn, seconds: float, *, over: bool) -> Message:
    """The steps as one folding message; its title says where the work is."""
    now = turn.steps[-1]
    lines = [line(step, still=step is now and not over) for step in turn.steps]
    if over:
        count = len(turn.steps)
        title = f"{count} step{'s' if count != 1 else ''} in {seconds:.1f} s"
    else:
        title = f"{label(now.name)} … {seconds:.0f} s"
    return {
        "role": "assistant",
        "content": "\n".join(lines),
        "metadata": {"title": title, "status": "done" if over else "pending"},
    }


def line(step: Step, *, still: bool) -> str:
    """One step: a tick and what was found, or how far it is."""
    note = f": {words(step.note)}" if step.note else ""
    if step.done < 1 and still:
        return f"◦ {words(label(step.name))} {step.done:.0%}{note}"
    sign = "✓" if step.done >= 1 else "–"
    return f"{sign} {words(label(step.name))}{note} ({step.seconds:.1f} s)"


def label(step: str) -> str:
    """The name of a step as the beginning of a line."""
    return step[:1].upper() + step[1:]


def past(history: Iterable[Mapping[str, Any]]) -> list[Message]:
    """An earlier conversation; what the user typed is shown as typed."""
    return [
        asked(each["content"])
        if each["role"] == "user"
        else {
            "role": "assistant",
            "content": marked(each["content"], each.get("cites", ()), each.get("circuit", "")),
        }
        for each in history
    ]


def marked(text: str, cites: Iterable[Mapping[str, Any]], circuit: str) -> str:
    """The markdown with each sentence that is about a part of the drawing in an element of its own.

    Its classes say which drawing it speaks of (of-), which claims it cites (by-) and which boxes it is
    about (on-): the chat keeps classes and drops other attributes. links.js lights those boxes up.
    """
    out, at = [], 0
    for cite in cites:
        found = text.find(cite["text"], at)
        if found < 0 or not cite["about"]:
            continue
        signs = ["ac-said", f"of-{circuit}", *(f"by-{name}" for name in cite["claims"])]
        signs += [f"on-{part}" for part in cite["about"]]
        tag = f'<span class="{escape(" ".join(signs))}" tabindex="0">'
        out += [text[at:found], tag, cite["text"], "</span>"]
        at = found + len(cite["text"])
    return isolated("".join([*out, text[at:]]))


def isolated(text: str) -> str:
    """The text with each quote that is written from right to left kept from turning what stands round it."""
    return TURNED.sub("“\u2068\\1\u2069”", text)


def title(model: str, brain: str) -> str:
    """The head of the page."""
    loaded = f" · {words(model)}" if model else ""
    decided = f", brain: {words(brain)}" if brain else ""
    return f"**askcircuit** <small>ask a language model why it said that{loaded}{decided}</small>"


def drawn(view: Mapping[str, Any] | None) -> str | None:
    """A circuit as the text the browser is sent: Gradio would walk through each part, again and again."""
    return json.dumps(view, ensure_ascii=False).replace("<", "\\u003c") if view else None


def read(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Somebody's graph file as a conversation of two lines."""
    return [
        {"role": "user", "content": f"What does {view['title']} say?"},
        {"role": "assistant", "content": view["markdown"]},
    ]


def waiting() -> Message:
    """What stands in the chat until the model is there."""
    return {"role": "assistant", "content": "The model is loading; this conversation opens when it is there."}


def with_waiting(history: Iterable[Mapping[str, Any]], waits: "Unfinished | None") -> list[Mapping[str, Any]]:
    """The conversation with a question that has no answer at its end: what was asked, and how it goes on."""
    lines = list(history)
    if waits is None:
        return lines
    if [line["content"] for line in lines[-2:]] == [waits.message, "Stopped."]:
        lines = lines[:-2]
    content = words(waits.asks) if waits.asks else CUT_OFF
    return [*lines, {"role": "user", "content": waits.message}, {"role": "assistant", "content": content}]


def trouble(why: str) -> Message:
    """Something that went wrong, as a message."""
    return {"role": "assistant", "content": f"**No answer.** {words(why)}"}


def asked(message: str) -> Message:
    """The user's own message."""
    return {"role": "user", "content": words(message)}


def question(message: str, text: str, said: str, foil: str) -> str:
    """What the user asked, in one line for the chat, from the boxes they filled."""
    parts = [message.strip()] if message.strip() else []
    if text.strip():
        parts.append(f"“{text}”" if parts else f"Why does “{text}” continue as it does?")
    if said.strip():
        parts.append(f"said: “{said}”")
    if foil.strip():
        parts.append(f"rather than: “{foil}”")
    return " · ".join(parts)


def chip(focus: dict[str, str]) -> str:
    """What is pinned in the drawing, in a few words of plain text."""
    if focus["id"].startswith("T@"):
        return f"✕  asking about the word “{visible(focus['label'])}”"
    kind = "group" if focus["kind"] == "supernode" else "node"
    return f"✕  asking about {kind} {visible(focus['id'])}: {visible(focus['label'])}"


def answer(events: Iterable[Event | None]) -> Iterator[tuple[list[Message], Any]]:
    """The messages, and a drawing or None, after each piece of an answer worth showing; None is a tick."""
    began = shown = time.monotonic()
    turn, before = Turn(), show(Turn(), 0.0)
    for event in events:
        now = time.monotonic()
        turn = turn if event is None else hear(turn, event, now - began)
        view = event.view if isinstance(event, Drew) else None
        waits = bool(turn.steps) and turn.steps[-1].name == "wait"  # many may: their clocks go slowly
        patience = 0.1 if event is not None else SLOW if waits else 0.0
        messages = show(turn, now - began)
        if view is not None or (now - shown > patience and messages != before):  # each costs a redrawing
            shown, before = now, messages
            yield messages, view
    yield show(turn, time.monotonic() - began, over=True), None
