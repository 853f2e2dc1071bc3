"""Events as chat messages. Pure: knows no Gradio, no session."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, assert_never

from agent import (
    AnswerText,
    DrawingReady,
    Event,
    Failed,
    PermissionNeeded,
    QuestionRead,
    ReportReady,
    StepProgress,
    TextWritten,
)
from ui.base.hidden_signs import show_hidden
from ui.base.written import render_writing

if TYPE_CHECKING:
    from agent import Unfinished

Message = dict[str, Any]
CUT_OFF = "This question was stopped. “Go on” answers it from where it stood, “Ask again” from the start."
MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-=!|~$:.])")
BLANKS = re.compile(r"^[ \t]+|[ \t]+$|[ \t]{2,}", re.MULTILINE)  # a page would show one blank, or code
LINE_ENDS = re.compile(r"\n{2,}")
CHIP = 60  # characters of a part of the question that a chip shows
SLOW = 15.0  # seconds after which the clock of one who waits goes on; a new place is told at once
TURNED = re.compile("“([^“”]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc][^“”]*)”")  # written from right to left


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the work, as far as it got."""

    name: str
    done: float
    note: str
    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerInProgress:
    """What has been heard so far in answer to one message."""

    read: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    said: str = ""
    failed: str = ""
    written: str = ""  # what the subject wrote, as HTML


def escape_text(text: str) -> str:
    """Text as markdown that shows just that text: no markup, no tag, no link, no picture."""
    kept = BLANKS.sub(lambda gap: "\u00a0" * len(gap[0].expandtabs(4)), show_hidden(text))
    escaped = MARKUP.sub(r"\\\1", kept)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_whole_text(text: str) -> str:
    """The same of a text that somebody gave: empty lines stay empty lines, and an end of line is seen."""
    last = len(text) - len(text.rstrip("\n"))
    shown = LINE_ENDS.sub(lambda ends: "\n\u00a0" * (len(ends[0]) - 1) + "\n", text[: len(text) - last])
    whole = escape_text(shown + "\n".join("⏎" * last))
    return whole.replace("\u00a0", "&nbsp;")  # as a character it is cut off where a line begins


def add_event(turn: AnswerInProgress, event: Event, seconds: float) -> AnswerInProgress:
    """The turn after one more event, `seconds` after the question."""
    match event:
        case StepProgress(step, done, note):
            return replace(turn, steps=update_steps(turn.steps, step, done, note, seconds))
        case QuestionRead(parts):
            return replace(turn, read=parts)
        case AnswerText(text, cites, circuit):
            return replace(turn, said=turn.said + mark_sentences(text, cites, circuit))
        case Failed(why):
            return replace(turn, failed=why)
        case PermissionNeeded(what):
            return replace(turn, said=turn.said + escape_text(what))
        case TextWritten(writing, _, done):
            return replace(turn, written=render_writing(writing, done=done))
        case DrawingReady() | ReportReady():
            return turn
        case _:
            assert_never(event)


def update_steps(
    steps: tuple[Step, ...], name: str, done: float, note: str, seconds: float
) -> tuple[Step, ...]:
    """The steps with one of them moved on; what came before it is done with."""
    last = steps[-1] if steps else None
    if last and last.name == name and last.done < 1:
        moved = replace(last, done=done, note=note or last.note, seconds=seconds - last.began)
        return (*steps[:-1], moved)
    return (*steps, Step(name, done, note, began=seconds, seconds=0.0))


def render_turn(turn: AnswerInProgress, seconds: float, *, over: bool = False) -> list[Message]:
    """The messages of a turn: what was done (folds away), what was said, what went wrong."""
    messages = []
    if turn.read:
        messages.append({"role": "assistant", "content": render_reading(turn.read)})
    if turn.steps:
        messages.append(render_progress(turn, seconds, over=over or bool(turn.failed)))
    if turn.written:
        messages.append({"role": "assistant", "content": turn.written})
    if turn.said:
        messages.append({"role": "assistant", "content": turn.said})
    if turn.failed:
        stopped = turn.failed.strip() == "Stopped."
        messages.append(
            {"role": "assistant", "content": "**Stopped.**"} if stopped else render_error(turn.failed)
        )
    if not messages and not over:
        messages.append({"role": "assistant", "content": "…"})
    return messages


def render_reading(parts: Iterable[tuple[str, str]]) -> str:
    """What the question was read as, a chip each; question_box.js opens the boxes to correct it."""
    chips = []
    for name, value in parts:
        shown = value if len(value) <= CHIP else f"{value[:CHIP]}…"
        sort = re.sub(r"[^a-z]+", "-", name)
        chips.append(
            f'<span class="ac-read is-{sort}" tabindex="0">{escape(name)}: {escape_text(shown)}</span>'
        )
    return f'<span class="ac-reading">{" ".join(chips)}</span>'


def render_progress(turn: AnswerInProgress, seconds: float, *, over: bool) -> Message:
    """The steps as one folding message; its title says where the work is."""
    now = turn.steps[-1]
    lines = [render_step(step, still=step is now and not over) for step in turn.steps]
    if over:
        count = len(turn.steps)
        title = f"{count} step{'s' if count != 1 else ''} in {seconds:.1f} s"
    else:
        title = f"{label_step(now.name)} … {seconds:.0f} s"
    return {
        "role": "assistant",
        "content": "\n".join(lines),
        "metadata": {"title": title, "status": "done" if over else "pending"},
    }


def render_step(step: Step, *, still: bool) -> str:
    """One step: a tick and what was found, or how far it is."""
    note = f": {escape_text(step.note)}" if step.note else ""
    if step.done < 1 and still:
        return f"◦ {escape_text(label_step(step.name))} {step.done:.0%}{note}"
    sign = "✓" if step.done >= 1 else "–"
    return f"{sign} {escape_text(label_step(step.name))}{note} ({step.seconds:.1f} s)"


def label_step(step: str) -> str:
    """The name of a step as the beginning of a line."""
    return step[:1].upper() + step[1:]


def render_history(history: Iterable[Mapping[str, Any]]) -> list[Message]:
    """An earlier conversation; what the user typed is shown as typed."""
    return [
        render_user_message(each["content"]) if each["role"] == "user" else render_answer_line(each)
        for each in history
    ]


def render_answer_line(line: Mapping[str, Any]) -> Message:
    """An earlier answer, or what the subject wrote."""
    if writing := line.get("writing"):
        return {"role": "assistant", "content": render_writing(writing)}
    marked = mark_sentences(line["content"], line.get("cites", ()), line.get("circuit", ""))
    return {"role": "assistant", "content": marked}


def mark_sentences(text: str, cites: Iterable[Mapping[str, Any]], circuit: str) -> str:
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
    return isolate_quotes("".join([*out, text[at:]]))


def isolate_quotes(text: str) -> str:
    """The text with each quote that is written from right to left kept from turning what stands round it."""
    return TURNED.sub("“\u2068\\1\u2069”", text)


def render_title(model: str, brain: str) -> str:
    """The head of the page."""
    loaded = f" · {escape_text(model)}" if model else ""
    decided = f", brain: {escape_text(brain)}" if brain else ""
    return f"**askcircuit** <small>ask a language model why it said that{loaded}{decided}</small>"


def encode_drawing(view: Mapping[str, Any] | None) -> str | None:
    """A circuit as the text the browser is sent: Gradio would walk through each part, again and again."""
    return json.dumps(view, ensure_ascii=False).replace("<", "\\u003c") if view else None


def render_file(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Somebody's graph file as a conversation of two lines."""
    return [
        {"role": "user", "content": f"What does {view['title']} say?"},
        {"role": "assistant", "content": view["markdown"]},
    ]


def render_waiting() -> Message:
    """What stands in the chat until the model is there."""
    return {"role": "assistant", "content": "The model is loading; this conversation opens when it is there."}


def with_waiting(history: Iterable[Mapping[str, Any]], waits: "Unfinished | None") -> list[Mapping[str, Any]]:
    """The conversation with a question that has no answer at its end: what was asked, and how it goes on."""
    lines = list(history)
    if waits is None:
        return lines
    if [line["content"] for line in lines[-2:]] == [waits.message, "Stopped."]:
        lines = lines[:-2]
    content = escape_text(waits.asks) if waits.asks else CUT_OFF
    return [*lines, {"role": "user", "content": waits.message}, {"role": "assistant", "content": content}]


def render_error(why: str) -> Message:
    """Something that went wrong, as a message."""
    return {"role": "assistant", "content": f"**No answer.** {escape_text(why)}"}


def render_user_message(message: str) -> Message:
    """The user's own message."""
    return {"role": "user", "content": escape_whole_text(message)}


def write_question(message: str, text: str, said: str, foil: str) -> str:
    """What the user asked, in one line for the chat, from the boxes they filled."""
    if message.strip() and not (text or said or foil):
        return message  # blanks and line ends are part of a text
    parts = [message.strip()] if message.strip() else []
    if text.strip():
        parts.append(f"“{text}”" if parts else f"Why does “{text}” continue as it does?")
    if said.strip():
        parts.append(f"said: “{said}”")
    if foil.strip():
        parts.append(f"rather than: “{foil}”")
    return " · ".join(parts)


def render_focus(focus: dict[str, str]) -> str:
    """What is pinned in the drawing, in a few words of plain text."""
    if focus["id"].startswith("T@"):
        return f"✕  asking about the word “{show_hidden(focus['label'])}”"
    kind = "group" if focus["kind"] == "supernode" else "node"
    return f"✕  asking about {kind} {show_hidden(focus['id'])}: {show_hidden(focus['label'])}"


def stream_messages(events: Iterable[Event | None]) -> Iterator[tuple[list[Message], Any]]:
    """The messages, and a drawing or None, after each piece of an answer worth showing; None is a tick."""
    began = shown = time.monotonic()
    turn, before = AnswerInProgress(), render_turn(AnswerInProgress(), 0.0)
    for event in events:
        now = time.monotonic()
        turn = turn if event is None else add_event(turn, event, now - began)
        view = event.view if isinstance(event, DrawingReady) else None
        waits = bool(turn.steps) and turn.steps[-1].name == "wait"  # many may: their clocks go slowly
        patience = 0.1 if event is not None else SLOW if waits else 0.0
        messages = render_turn(turn, now - began)
        if view is not None or (now - shown > patience and messages != before):  # each costs a redrawing
            shown, before = now, messages
            yield messages, view
    yield render_turn(turn, time.monotonic() - began, over=True), None
