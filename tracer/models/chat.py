"""Chat templates: how an instruct model wants roles and messages written as one text, and read back from one.

The template is the model's own (tokenizer_config.json, chat_template.jinja, GGUF metadata), rendered by
transformers in its sandbox. What it puts round each role's messages is learnt by rendering a few marked ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from tracer.errors import ModelError

ROLES = ("system", "user", "assistant")
_MARKS = {"system": "zqsysq", "user": "zqusrq", "assistant": "zqastq"}  # words no template holds


class ChatError(ModelError):
    """A model has no chat template, or its template cannot write this conversation."""


class ChatMessage(NamedTuple):
    """What one role said."""

    role: str
    content: str


class ChatPart(NamedTuple):
    """Where a message stands in a text: characters from `start` up to `end`."""

    role: str
    start: int
    end: int


@dataclass(frozen=True)
class ChatFormat:
    """The chat template of one model."""

    model: str
    tokenizer: Any

    @property
    def exists(self) -> bool:
        """Whether the model brings a template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def render(self, messages: Sequence[ChatMessage], *, answers: bool = True) -> str:
        """The conversation as one text; with `answers` it ends where the assistant begins to speak.

        Raises ChatError where there is no template, where it fails, and for a role it does not know.
        """
        if not self.exists:
            raise ChatError(
                f"The model {self.model!r} has no chat template: it continues texts, and knows no roles. "
                "Give it a text to write on."
            )
        for message in messages:
            if message.role not in ROLES:
                raise ChatError(f"There is no role {message.role!r}; there are {', '.join(ROLES)}.")
        plain = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=answers)
        except Exception as exc:  # a program that came with the model: it may fail in any way
            why = " ".join(str(exc).split())[:200] or type(exc).__name__
            raise ChatError(f"The chat template of {self.model!r} cannot write this: {why}") from exc
        return str(text).removeprefix(self._begin)

    def read(self, text: str) -> tuple[ChatPart, ...]:
        """Where the messages stand in a text that holds the template's marks; none where it holds none."""
        opening, turns = self._marks
        start = len(self._begin) if self._begin and text.startswith(self._begin) else 0
        begun = next((one for one in opening if one[1] and text.startswith(one[1], start)), None)
        if begun is None:
            return ()
        role, at = begun[0], start + len(begun[1])
        found: list[ChatPart] = []
        while ends := [
            (place, -len(mark), then)
            for mark, then in turns.get(role, ())
            if (place := text.find(mark, at)) >= 0
        ]:
            place, size, then = min(ends)  # the first; of two that begin there the longer
            found.append(ChatPart(role, at, place))
            role, at = then, place - size
        return (*found, ChatPart(role, at, len(text)))

    def holds_marks(self, text: str) -> bool:
        """Whether a text holds what only the template writes: its special tokens."""
        return self.exists and any(mark in text for mark in self._special)

    def outside(self, text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Which tokens, by where their characters stand, are the template's and no message's."""
        parts = self.read(text)
        if not parts:
            return ()
        return tuple(
            position
            for position, (start, end) in enumerate(spans)
            if end > start and not any(part.start <= start and end <= part.end for part in parts)
        )

    @cached_property
    def stop(self) -> int | None:
        """The token that ends what the assistant says, where it is a special one."""
        for mark, _ in self._marks[1].get("assistant", ()):
            ids = self.tokenizer(mark, add_special_tokens=False).input_ids
            if ids and int(ids[0]) in self.tokenizer.all_special_ids:
                return int(ids[0])
        return None

    @cached_property
    def _begin(self) -> str:
        """The begin token where the tokeniser puts it there itself: the template's own is one too many."""
        bos = self.tokenizer.bos_token
        adds = bos and self.tokenizer("a").input_ids[:1] == [self.tokenizer.bos_token_id]
        return str(bos) if adds else ""

    @cached_property
    def _special(self) -> tuple[str, ...]:
        shown = self.render([ChatMessage("user", _MARKS["user"])])
        return tuple(mark for mark in self.tokenizer.all_special_tokens if mark in shown)

    @cached_property
    def _marks(self) -> tuple[list[tuple[str, str]], dict[str, list[tuple[str, str]]]]:
        """What opens a conversation (role, text), and what ends a role's message (text, then whose)."""
        if not self.exists:
            return [], {}
        opening: list[tuple[str, str]] = []
        turns: dict[str, list[tuple[str, str]]] = {}
        for roles in (("system", "user", "assistant", "user"), ("user", "assistant", "user")):
            try:
                text = self.render([ChatMessage(role, _MARKS[role]) for role in roles])
            except ChatError:  # some refuse a system prompt
                continue
            pieces = re.split("|".join(_MARKS.values()), text)
            if len(pieces) != len(roles) + 1:
                continue  # it does not write what it was given
            opening.append((roles[0], pieces[0]))
            for role, mark, then in zip(roles, pieces[1:], (*roles[1:], "assistant"), strict=True):
                if mark and (mark, then) not in turns.setdefault(role, []):
                    turns[role].append((mark, then))
        return [*opening, *self._bare(opening, turns)], turns

    def _bare(
        self, opening: list[tuple[str, str]], turns: dict[str, list[tuple[str, str]]]
    ) -> list[tuple[str, str]]:
        """What opens a message that stands first where the template itself would put a system prompt."""
        first = next((text for _, text in opening), "")
        begins = next((mark for mark in self.tokenizer.all_special_tokens if first.startswith(mark)), None)
        known = [one for row in turns.values() for one in row]
        return [(then, mark[mark.rfind(begins) :]) for mark, then in known if begins and begins in mark]


def character_spans(tokenizer: Any, text: str, tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Where each token's characters stand in a text; tokens put before it stand nowhere."""
    if getattr(tokenizer, "is_fast", False):
        spans = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        if len(spans) >= len(tokens):
            return [(int(a), int(b)) for a, b in spans[len(spans) - len(tokens) :]]
    ends = list(accumulate(map(len, tokens)))
    return list(zip([0, *ends[:-1]], ends, strict=True))
