"""Let the model write on: token by token with its own cache, each with what else it might have said.

Over a large vocabulary the logits of all tokens are computed from weights in sixteen bits, and those of the
likeliest ones exactly: which token comes is exact, and a probability is off by less than a thousandth.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.models.model import Model, Prediction

LARGE = 1 << 25  # numbers of an unembedding that take longer to read than the blocks do
EXACT = 64  # tokens whose logits are computed exactly
AT_ONCE = 64  # positions whose logits over the whole vocabulary are held at once
OTHERS = 5  # runners-up told of each token


@dataclass(frozen=True, slots=True)
class Pen:
    """How to write: how much, what ends it, and how tokens are chosen (greedily at temperature 0)."""

    tokens: int = 40
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()


class Written(NamedTuple):
    """A token that was given or written, its probability in its place, and the likeliest there."""

    text: str
    token_id: int
    p: float
    likeliest: tuple[Prediction, ...]
    ends: bool = False  # an end of the text or of the assistant's turn: nothing follows


HeldPass = Callable[[int, int], AbstractContextManager[None]]  # first position, and how many, of one pass


def held_by_nothing(_first: int, _count: int) -> AbstractContextManager[None]:
    """The model as it is."""
    return nullcontext()


def write_on(
    subject: Model, ids: Int[Tensor, " pos"], pen: Pen, held: HeldPass = held_by_nothing
) -> Generator[Written]:
    """The tokens the model writes behind these, as they come; `held` is entered round each pass.

    Ends behind an end token, behind `pen.tokens` tokens, or where one of `pen.stop` has been written.
    """
    random = torch.Generator().manual_seed(pen.seed) if pen.temperature > 0 else None
    head, ends, cache, given = _Head(subject), end_tokens(subject), None, ids
    written: list[int] = []
    place = 0
    while len(written) < pen.tokens:
        with torch.no_grad(), held(place, len(given)):
            out = subject.model.base_model(given[None], past_key_values=cache, use_cache=True)
            logits = head(out.last_hidden_state[0, -1])
        cache, place = out.past_key_values, place + len(given)
        token = one_of(logits, random, pen.temperature)
        written.append(token)
        yield told(subject, logits, token, ends=token in ends)
        if token in ends or any(stop and stop in str(subject.tokenizer.decode(written)) for stop in pen.stop):
            return
        given = ids.new_tensor([token])
        head.get_ready()


@torch.no_grad()
def read_given(subject: Model, ids: Int[Tensor, " pos"], first: int = 0) -> list[Written | None]:
    """Each token from `first` on with its probability in its place; None for the very first."""
    stream = subject.model.base_model(ids[None], use_cache=False).last_hidden_state[0, :-1]
    head = subject.model.get_output_embeddings()
    rows: list[Written | None] = [] if first else [None]
    for begin in range(max(first - 1, 0), len(stream), AT_ONCE):
        logits = subject.cap(head(stream[begin : begin + AT_ONCE]))
        tokens = ids[begin + 1 : begin + 1 + len(logits)].tolist()
        rows += [told(subject, row, token) for row, token in zip(logits, tokens, strict=True)]
    return rows


def told(subject: Model, logits: Float[Tensor, " vocab"], token: int, *, ends: bool = False) -> Written:
    """A token with its probability and the likeliest ones at its place."""
    p = logits.double().softmax(-1)
    best = p.topk(min(OTHERS + 1, len(p)))
    texts = subject.token_texts([token, *best.indices.tolist()])
    likeliest = tuple(
        Prediction(text, int(i), float(v))
        for text, i, v in zip(texts[1:], best.indices, best.values, strict=True)
    )
    return Written(texts[0], token, float(p[token]), likeliest, ends)


def one_of(logits: Float[Tensor, " vocab"], random: torch.Generator | None, temperature: float) -> int:
    """The likeliest token, or one drawn at this temperature."""
    if random is None:
        return int(logits.argmax())
    return int(torch.multinomial((logits.double() / temperature).softmax(-1), 1, generator=random))


def end_tokens(subject: Model) -> set[int]:
    """Tokens after which there is nothing to say: ends of a text, and of an assistant's turn."""
    ends = getattr(getattr(subject.model, "generation_config", None), "eos_token_id", None)
    known = set(ends) if isinstance(ends, list) else set() if ends is None else {int(ends)}
    return known | {end for end in (subject.tokenizer.eos_token_id, subject.chat.stop) if end is not None}


class _Head:
    """The last product of a pass; once it is `ready`, quicker where the vocabulary is large."""

    def __init__(self, subject: Model) -> None:
        self.subject, self.ready = subject, False
        self._whole = subject.model.get_output_embeddings()
        weight = self._whole.weight
        plain = weight.device.type == "cpu" and weight.dtype == torch.float32
        self._large = plain and weight.numel() > LARGE and getattr(self._whole, "bias", None) is None

    def get_ready(self) -> None:
        """Behind the first token, which should not wait for it."""
        if self._large and not self.ready:
            _ = self.subject.coarse_unembedding
            self.ready = True

    def __call__(self, seen: Float[Tensor, " d_model"]) -> Float[Tensor, " vocab"]:
        if not self.ready:
            return self.subject.cap(self._whole(seen))
        coarse = self.subject.coarse_unembedding
        logits = torch.mv(coarse, seen.to(coarse.dtype)).float()
        best = logits.topk(EXACT).indices
        logits[best] = self._whole.weight[best] @ seen
        return self.subject.cap(logits)
