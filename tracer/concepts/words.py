"""Which tokens of a model may name a concept: frequent words that mean something by themselves."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen, find_sinks
from tracer.concepts.kinds import is_content
from tracer.lens import FREQUENT, Lens, normalised, output_rows
from tracer.models import BYTES, Model


@dataclass(frozen=True, slots=True)
class Words:
    """Tokens that may name a concept, and what reads their logits from a normalised stream.

    Made once a model: reading these alone takes a fraction of reading the whole vocabulary.
    """

    tokens: Int[Tensor, " word"]
    rows: Float[Tensor, "word d_model"]

    def read(
        self, lens: Lens, subject: Model, layer: int, stream: Float[Tensor, "pos d_model"]
    ) -> Float[Tensor, "pos word"]:
        """What the lens reads of each word behind a block, before a soft cap (which keeps the order)."""
        moved = normalised(subject, lens.transport(layer, stream.float()))
        return moved @ self.rows.T


def nameable_words(subject: Model) -> Words:
    """Words that begin with a space (any of a script that has none) among the most frequent tokens."""
    size = min(FREQUENT, len(subject.unembedding))
    texts = subject.token_texts(range(size))
    tokens = [
        token
        for token, text in enumerate(texts)
        if is_content(text)
        and not BYTES.search(text)
        and (text[:1].isspace() or (text[:1].isalpha() and not text[:1].isascii()))
    ]
    kept = tokens or list(range(size))  # a vocabulary without words: a model of the tests
    return Words(torch.tensor(kept), output_rows(subject, kept))


def word_places(frozen: Frozen) -> list[int]:
    """Positions that are no begin token, no attention sink, no chat template's; the last always counts."""
    left_out = (frozen.template | set(find_sinks(frozen))) - {frozen.length - 1}
    return [place for place in range(int(frozen.bos), frozen.length) if place not in left_out]
