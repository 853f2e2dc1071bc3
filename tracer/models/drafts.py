"""What is given to a model to write on: a text, a conversation in its own template, or its own words.

A draft knows its tokens, where each begins in the text, and which are the template's and no message's.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from tracer.errors import TextError
from tracer.models.chat import ChatMessage, character_spans
from tracer.models.model import Model
from tracer.models.writing import HeldPass, Pen, Written, held_by_nothing, read_given, write_on

LONGEST = 8192  # tokens, where the model's config names no limit


class RolePart(NamedTuple):
    """The tokens of one message: from `first` up to `end`."""

    role: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Draft:
    """Tokens to go on from; `starts` are places in the text, None for a token the text does not spell."""

    text: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    starts: tuple[int | None, ...]
    template: tuple[int, ...] = ()
    roles: tuple[RolePart, ...] = ()
    notes: tuple[str, ...] = ()


def draft_text(subject: Model, text: str, limit: int) -> Draft:
    """A text as it is given, byte for byte; raises TextError when it is empty or too long."""
    ids = [int(i) for i in subject.encode(text, longest(subject, limit))]
    return draft_ids(subject, text, ids)


def draft_ids(subject: Model, text: str, ids: Sequence[int]) -> Draft:
    """A text that is these tokens, whether or not its tokeniser would cut it so."""
    tokens = tuple(subject.token_texts(ids))
    pasted = subject.pasted_bos(text)
    once = f"The text begins with {pasted!r}, which the model adds itself: it counts once."
    if subject.encode(text, 4 * len(text) + 8).tolist() == list(ids):  # a byte may be a token
        spans = character_spans(subject.tokenizer, text, tokens)
    else:
        spans = spell_out(subject, ids)
    starts = [start if end > start else None for start, end in spans]
    if subject.has_bos(torch.tensor(ids)) and not text.startswith(tokens[0]):
        starts[0] = None
    parts = subject.chat.read(text)
    roles = []
    for part in parts:
        inside = [i for i, (a, b) in enumerate(spans) if b > a and part.start <= a and b <= part.end]
        if inside or part is parts[-1]:
            first = inside[0] if inside else len(ids)
            roles.append(RolePart(part.role, first, inside[-1] + 1 if inside else len(ids)))
    template = subject.chat.outside(text, spans)
    return Draft(text, tuple(ids), tokens, tuple(starts), template, tuple(roles), (once,) if pasted else ())


def draft_chat(subject: Model, messages: Sequence[ChatMessage], limit: int) -> Draft:
    """A conversation in the model's own template, where the assistant begins to speak.

    A message that holds the template's marks itself is the text: it gets no second ones. Raises ChatError
    where the model has no template or it fails, TextError for an empty or too long conversation.
    """
    last = messages[-1].content
    if not last.strip():
        raise TextError("The message is empty. Say something to the model.")
    if subject.chat.holds_marks(last):
        draft = draft_text(subject, last, limit)
        note = f"The message holds marks of {subject.name}'s chat template: it gets no second ones."
        return add_note(draft, note)
    text = subject.chat.render(messages)
    draft = draft_text(subject, text, limit)
    if any(message.content not in text for message in messages):
        note = f"The chat template of {subject.name} changes blanks or line ends of a message."
        return add_note(draft, note)
    return draft


def add_note(draft: Draft, note: str) -> Draft:
    """The draft with one more thing to say of it."""
    return Draft(
        draft.text, draft.ids, draft.tokens, draft.starts, draft.template, draft.roles, (*draft.notes, note)
    )


def spell_out(subject: Model, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Where each token's characters stand in the text that these tokens spell."""
    skip = 1 if subject.has_bos(torch.tensor(list(ids))) else 0
    ends = [len(spelled(subject, ids[skip : i + 1])) for i in range(skip, len(ids))]
    return [(0, 0)] * skip + list(zip([0, *ends[:-1]], ends, strict=True))


def spelled(subject: Model, ids: Sequence[int]) -> str:
    """The text of tokens, special ones as they are written."""
    return str(subject.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))


def longest(subject: Model, limit: int) -> int:
    """How many tokens a text may have: the limit given, and what the model was made for."""
    made_for = getattr(subject.model.config, "max_position_embeddings", None)
    return min(limit, int(made_for or LONGEST))


def write_draft(
    subject: Model, draft: Draft, pen: Pen, held: HeldPass = held_by_nothing
) -> Generator[Written]:
    """The tokens the model writes behind a draft, as they come."""
    return write_on(subject, _tensor(subject, draft), pen, held)


def read_draft(subject: Model, draft: Draft, first: int = 0) -> list[Written | None]:
    """Each token from `first` on with its probability in its place; None for the very first."""
    return read_given(subject, _tensor(subject, draft), first)


def _tensor(subject: Model, draft: Draft) -> torch.Tensor:
    return torch.tensor(draft.ids, device=subject.unembedding.device)
