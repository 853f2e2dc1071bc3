"""Which tokens of a model may name a concept: frequent words that mean something by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.concepts.kinds import is_content
from tracer.lens import FREQUENT, Lens, normalised, output_rows
from tracer.models import Model

GOES_ON = 0.5  # of the next token's probability from which a word is only the beginning of one
LOOKED_AT = 24  # next tokens that are looked at for that


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
        if is_content(text) and (text[:1].isspace() or not text[:1].isascii())
    ]
    kept = tokens or list(range(size))  # a vocabulary without words: a model of the tests
    return Words(torch.tensor(kept), output_rows(subject, kept))


@torch.no_grad()
def stand_alone(subject: Model, tokens: Sequence[int]) -> list[bool]:
    """Which tokens are whole words to the model itself: behind the others it writes on without a space."""
    if not tokens:
        return []
    bos = subject.tokenizer.bos_token_id
    begin = [] if bos is None else [bos]
    ids = torch.tensor([[*begin, token] for token in tokens], device=subject.unembedding.device)
    p = subject.model(ids, use_cache=False, logits_to_keep=1).logits[:, -1].float().softmax(-1)
    best = p.topk(min(LOOKED_AT, p.shape[-1]))
    out = []
    for indices, values in zip(best.indices.tolist(), best.values.tolist(), strict=True):
        on = sum(
            v for v, text in zip(values, subject.token_texts(indices), strict=True) if text[:1].isalpha()
        )
        out.append(on < GOES_ON * sum(values))
    return out
