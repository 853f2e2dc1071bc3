"""A reply of an OpenAI-compatible server, read as the many servers send it: words, tool calls, thinking.

What a model says to itself is parted from its words and never shown. Calls come as calls or as text between
marks; both become (name, arguments). Decides nothing.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

MAX_REPLY_CHARACTERS = 20_000  # characters of a reply; a longer one is cut off, its connection closed
MAX_TOOL_CALLS = 8  # tool calls of a reply; a storm of them is cut off
BROKE_OFF = "the reply broke off"

_MARK = r"(?:think|thinking|thought|thoughts|reasoning)"
CLOSES = re.compile(rf"</{_MARK}>", re.I)
OPENS = re.compile(rf"<{_MARK}>", re.I)
CALL = re.compile(r"<(tool_call|tools|function_call)>\s*(.*?)\s*(?:</\1>|$)", re.S)
XML_CALL = re.compile(r"<function=([\w.-]+)>\s*(.*?)\s*(?:</function>|$)", re.S)
XML_VALUE = re.compile(r"<parameter=([\w.-]+)>\s*(.*?)\s*</parameter>", re.S)
LAST_JSON = re.compile(r"\s*(?:```|</tool_call>|</answer>|[.\s])*")  # what may stand behind a final object
FROM_END = 50  # braces that are tried


@dataclass
class Completion:
    """What came back: words, tool calls as (name, arguments), and what it cost."""

    content: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    refusal: str = ""
    tokens: int = 0
    cut: str = ""  # why the reply was not read to its end
    thought: str = ""  # what it said to itself first

    def take_off_thoughts(self) -> None:
        """Part what is between <think> and </think> from the words; the first mark may be the template's."""
        closed = list(CLOSES.finditer(self.content))
        if closed:
            before, after = self.content[: closed[-1].start()], self.content[closed[-1].end() :]
        elif (opened := OPENS.search(self.content)) is not None:
            after, before = self.content[: opened.start()], self.content[opened.end() :]
        else:
            return
        self.thought += OPENS.sub("", before).strip()
        self.content = OPENS.split(after)[0].strip()

    def settle(self) -> None:
        """Part thinking, words and calls, in whichever way the server mixed them."""
        self.take_off_thoughts()
        if not self.calls:
            self.calls = find_written_calls(self.content)
        if not self.calls and not self.content.strip() and self.thought:
            # everything was sent as thinking: an object it ends with is its answer, its words are none
            self.calls = find_written_calls(self.thought)
            self.content = "" if self.calls else _last_object(self.thought)

    @property
    def only_thinks(self) -> bool:
        """Whether it came to no answer after its thinking."""
        return bool(self.thought) and not (self.content.strip() or self.calls or self.refusal)

    @property
    def is_whole(self) -> bool:
        """Whether an action came to its end, though the server did not say so."""
        if self.calls:
            return all(not given.strip() or find_json_object(given) is not None for _, given in self.calls)
        return find_json_object(self.content) is not None


class ReplyReader:
    """Gathers a reply, in pieces or whole: the first id and name of a call count, arguments add up."""

    def __init__(self) -> None:
        self.turn, self._slots = Completion(), dict[int, list[str]]()

    def add(self, delta: Any) -> None:
        """One more piece; what is not of the protocol is left out."""
        if delta is None:
            return
        turn = self.turn
        turn.content += _words(getattr(delta, "content", None))
        thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
        turn.thought += _words(thought)
        turn.refusal += _text(getattr(delta, "refusal", None))
        for position, call in enumerate(getattr(delta, "tool_calls", None) or []):
            index = getattr(call, "index", None)
            self._add_call(index if isinstance(index, int) else position, getattr(call, "function", None))
        self._add_call(0, getattr(delta, "function_call", None))
        said = len(turn.content) + len(turn.refusal) + len(turn.thought)
        if len(self._slots) > MAX_TOOL_CALLS:
            turn.cut = f"more than {MAX_TOOL_CALLS} tool calls at once"
        elif said + sum(len(arguments) for _, arguments in self._slots.values()) > MAX_REPLY_CHARACTERS:
            turn.cut = f"the reply is longer than {MAX_REPLY_CHARACTERS} characters"

    def _add_call(self, index: int, function: Any) -> None:
        if function is None:
            return
        slot = self._slots.setdefault(index, ["", ""])
        slot[0] = slot[0] or _text(_of(function, "name"))
        slot[1] += _arguments(_of(function, "arguments"))

    def count(self, usage: Any) -> None:
        """The tokens that the server says it took, where it says so."""
        total = getattr(usage, "total_tokens", 0)
        right = isinstance(total, int) and 0 <= total < 10**9
        self.turn.tokens = max(self.turn.tokens, total if right else 0)

    def finish(self, *, ended: bool = True) -> Completion:
        """The whole reply; `ended` says that the server said it was."""
        turn = self.turn
        turn.calls = [(name, arguments) for _, (name, arguments) in sorted(self._slots.items()) if name]
        turn.settle()
        if not ended and not turn.cut and not turn.is_whole:
            turn.cut = BROKE_OFF
        return turn


def find_written_calls(said: str) -> list[tuple[str, str]]:
    """Tool calls written as text between marks: JSON, or <function=name> with its parameters."""
    out = []
    for mark in CALL.finditer(said):
        found = find_json_object(mark[2]) or {}
        inner = found.get("function")
        found = inner if isinstance(inner, dict) else found
        given = found.get("arguments", found.get("parameters", {}))
        if isinstance(name := found.get("name"), str):
            out.append((name, given if isinstance(given, str) else json.dumps(given)))
    for mark in XML_CALL.finditer(said):
        values = {name: _value(value) for name, value in XML_VALUE.findall(mark[2])}
        given = values or find_json_object(mark[2]) or {}
        out.append((mark[1], json.dumps(given)))
    return out[:MAX_TOOL_CALLS]


def find_json_object(said: str) -> dict[str, Any] | None:
    """The first JSON object in a text, whatever stands around it."""
    decoder = json.JSONDecoder()
    starts = [i for i, c in enumerate(said) if c == "{"][:FROM_END]
    for start in starts:
        try:
            value, _ = decoder.raw_decode(said, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def _last_object(thought: str) -> str:
    """The JSON object that a text ends with, as it stands; empty where it ends otherwise."""
    decoder = json.JSONDecoder()
    for start in [i for i, c in enumerate(thought) if c == "{"][-FROM_END:]:
        try:
            value, end = decoder.raw_decode(thought, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and LAST_JSON.fullmatch(thought, end):
            return thought[start:end]
    return ""


def _value(written: str) -> Any:
    """A parameter as JSON where it is such, else as it is written."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return written


def _of(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def _text(value: Any) -> str:
    """A string, or nothing: other types are not of the protocol."""
    return value if isinstance(value, str) else ""


def _words(content: Any) -> str:
    """Words, in one piece or in parts of type text; parts of other types are no words."""
    if not isinstance(content, list):
        return _text(content)
    parts = [part if isinstance(part, dict) else getattr(part, "__dict__", {}) for part in content]
    return "".join(_text(part.get("text")) for part in parts if part.get("type") in ("text", "output_text"))


def _arguments(given: Any) -> str:
    """A call's arguments as JSON; some servers send the object itself."""
    return json.dumps(given) if isinstance(given, dict) else _text(given)
