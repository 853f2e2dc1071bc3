"""The direction of a token at a layer, and which tokens are one concept.

The direction is the token's unembedding, through the final norm's gain, pulled back by J_l: what of the
stream there disposes the model to say the token, now or later. Only single tokens have one: a longer word is
known by its first token. Tokens are one concept when their spelling agrees but for case, space and accents
("Japan", " japan"), or when they share a stem (" Japanese"; "Turkey", " Turkish") and their unembeddings lie
near.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tracer.lens.values import Lens
from tracer.models import Model, centres, gain_of, part

NEAR = 0.65  # cosine of centred unembeddings from which two spellings of one stem are one concept
CONTINUED = 0.58  # the same where one spelling continues the other
STEM = 4  # letters that two spellings must share from the start
MANY = 2048  # tokens from which others are read where they lie
FREQUENT = 65_536  # tokens that may join a family: the first of a vocabulary are the most frequent


@dataclass(frozen=True, slots=True)
class Concept:
    """Tokens that are one thing, the one that names it first."""

    name: str
    tokens: tuple[int, ...]


def output_rows(subject: Model, tokens: Sequence[int]) -> Float[Tensor, "token d_model"]:
    """Unembeddings through the final norm's gain: what reads a token's logit from the normalised stream."""
    norm = part(subject.model, subject.family.final_norm)
    rows = subject.unembedding[list(tokens)].float() * gain_of(norm, subject.family).float()
    return rows - rows.mean(-1, keepdim=True) if centres(norm) else rows


def directions(
    lens: Lens, subject: Model, layer: int, tokens: Sequence[int], *, centred: bool = False
) -> Float[Tensor, "token d_model"]:
    """Each token's direction at a layer; `centred`: less what all tokens have in common."""
    rows = output_rows(subject, tokens)
    if centred:
        rows = rows - _common(subject).to(rows)
    return lens.pull(layer, rows)


def concept_direction(
    lens: Lens, subject: Model, layer: int, concept: Concept, *, centred: bool = False
) -> Float[Tensor, " d_model"]:
    """The mean of the unit directions of a concept's tokens, as long as they are on average."""
    own = directions(lens, subject, layer, concept.tokens, centred=centred)
    mean: Tensor = F.normalize(F.normalize(own, dim=-1).mean(0), dim=0)
    length: Tensor = own.norm(dim=-1).mean()
    return mean * length


@lru_cache(maxsize=65_536)
def surface(text: str) -> str:
    """A spelling without case, spaces, marks at its ends and accents."""
    plain = unicodedata.normalize("NFKD", text.replace("▁", " ").strip().casefold())
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return kept.strip("'\"“”‘’.,:;!?()[]{}*_-#`")


def similar(subject: Model, tokens: Sequence[int], others: Sequence[int]) -> Float[Tensor, "token other"]:
    """Cosines of centred unembeddings (through the final norm's gain)."""
    if len(others) > MANY and max(others) < FREQUENT and subject.unembedding.dtype == torch.float32:
        return _similar_to_frequent(subject, tokens)[:, list(others)]
    own, other = (F.normalize(_centred(subject, ids), dim=-1) for ids in (tokens, others))
    return own @ other.T


def _similar_to_frequent(subject: Model, tokens: Sequence[int]) -> Float[Tensor, "token frequent"]:
    """Cosines with all frequent tokens. Their rows are read where they lie: a copy takes ten times as long.

    The cosine of o and g * u - c is (o * g) u - o c over their lengths, with the gain g and the mean c.
    """
    own = F.normalize(_centred(subject, tokens), dim=-1)
    rows, norm = subject.unembedding[:FREQUENT], part(subject.model, subject.family.final_norm)
    if FREQUENT not in subject.lengths:
        every = [_centred(subject, range(i, min(i + MANY, len(rows)))) for i in range(0, len(rows), MANY)]
        subject.lengths[FREQUENT] = torch.cat([some.norm(dim=-1) for some in every]).clamp_min(1e-12)
    gained = own * gain_of(norm, subject.family).float()
    return (gained @ rows.T - own @ _common(subject)[:, None]) / subject.lengths[FREQUENT]


def _centred(subject: Model, tokens: Sequence[int]) -> Float[Tensor, "token d_model"]:
    return output_rows(subject, tokens) - _common(subject)


def families(subject: Model, tokens: Sequence[int]) -> list[Concept]:
    """Tokens grouped into concepts, in the order of their first token (ranked: the best first).

    A token joins the first concept whose first token has its spelling, or shares its first STEM letters and
    has an unembedding near it. Tokens without letter or digit stay alone.
    """
    texts = [surface(text) for text in subject.token_texts(list(tokens))]
    if not tokens:
        return []
    cosine = similar(subject, tokens, tokens)
    groups: list[list[int]] = []  # indices into `tokens`
    for index, text in enumerate(texts):
        home = next((g for g in groups if _same(texts[g[0]], text, float(cosine[g[0], index]))), None)
        if home is None:
            groups.append([index])
        else:
            home.append(index)
    names = subject.token_texts(list(tokens))
    return [
        Concept(_name([names[i] for i in group]), tuple(int(tokens[i]) for i in group)) for group in groups
    ]


def concept_of(subject: Model, word: str) -> Concept:
    """The concept of a word: its spellings that are one token, and frequent tokens of its stem near it.

    A word of several tokens is known by its first token (with a space before, as in a sentence).
    """
    plain = word.strip()
    tries = dict.fromkeys(
        form for base in (plain, plain.capitalize(), plain.lower()) for form in (f" {base}", base)
    )
    pieces = [subject.pieces(form) for form in tries]
    whole = [ids[0] for ids in pieces if len(ids) == 1]
    if not whole:
        return Concept(plain, (pieces[0][0],))
    own = surface(plain)
    kin = [token for token in _of_stem(subject, own) if token not in whole]
    if kin:
        cosine = similar(subject, whole[:1], kin)[0].tolist()
        texts = subject.token_texts(kin)
        kin = [
            token
            for token, text, value in zip(kin, texts, cosine, strict=True)
            if _same(own, surface(text), value)
        ]
    return Concept(plain, tuple(dict.fromkeys([*whole, *kin])))


def is_whole(subject: Model, word: str) -> bool:
    """Whether a word is a single token of the model, so that it has a direction of its own."""
    return len(subject.pieces(f" {word.strip()}")) == 1 or len(subject.pieces(word.strip())) == 1


def _of_stem(subject: Model, own: str) -> list[int]:
    """Frequent tokens that begin with the first STEM letters of a spelling."""
    stem = own[:STEM]
    if len(stem) < STEM:
        return []
    texts = subject.token_texts(range(min(FREQUENT, len(subject.unembedding))))
    return [token for token, text in enumerate(texts) if text.lstrip()[:STEM].casefold() == stem]


def _same(one: str, other: str, cosine: float) -> bool:
    if not one or not other:
        return False
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    shared = next((i for i, c in enumerate(short) if c != long[i]), len(short))
    return shared >= STEM and cosine >= (CONTINUED if shared == len(short) else NEAR)


def _name(texts: list[str]) -> str:
    """The spelling that names a concept: with a capital and the shortest, as it is written in a sentence."""
    plain = [text.strip() for text in texts if text.strip()] or texts
    return min(plain, key=lambda text: (len(text), not text[:1].isupper()))


def _common(subject: Model) -> Float[Tensor, " d_model"]:
    norm = part(subject.model, subject.family.final_norm)
    mean = subject.mean_unembedding.float() * gain_of(norm, subject.family).float()
    return mean - mean.mean() if centres(norm) else mean
