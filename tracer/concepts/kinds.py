"""Tokens of one kind, without lists by hand: near in the unembedding, written alike, and likely here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.autointerp import GRAMMAR
from tracer.lens import FREQUENT, families, similar, surface
from tracer.models import Model, next_logits

SIGNS = "'’‘`´"  # that join the pieces of a contraction
LIKELY = 400  # next tokens an alternative is looked for among
RANDOM = 2048  # tokens whose cosines say what near is
NEAR = 2.5  # standard deviations above the mean cosine of random tokens from which a token is near
RELATED = 0.2, 1.0  # cosine, or deviations, from which a likely next token is looked at for its kind
COMPARED = 40  # next tokens that are
KIN = 0.05  # below the one most alike, within which a token is of the same kind
HELD_HERE = 2.5  # standard deviations from which a word counts as held at a place itself
KINDRED = 0.9  # kinship from which two words are of one kind
LEAST_KIN = 0.7  # and at least so much alike
GOES_ON = 0.5  # of the next token's probability from which a word is only the beginning of one
LIKELIEST = 16  # next tokens that are looked at for what is clearly likelier than those found
CLEARLY = 3.0  # times as likely as all of them
ALIKE, VERY_ALIKE = 0.85, 0.94  # kinship it needs then; the second where it is near
FEW = 3  # alternatives that are enough
LOOKED_AT = 24  # next tokens that are looked at for that
FOLLOWED = 512  # tokens of which it is kept how a text goes on: 64 MB of half-precision numbers


class Alternative(NamedTuple):
    """Another token of the same kind."""

    token: str
    token_id: int
    probability: float
    cosine: float


def is_content(text: str) -> bool:
    """Whether a token is (the beginning of) a word or number that means something by itself."""
    plain = text.strip()
    if not re.search(r"\w", plain) or "_" in plain:
        return False
    letters = plain.strip(SIGNS)  # "’ve" is no longer a word than "ve"
    if letters.isascii() and not letters.isdigit() and len(letters) < 3:
        return False
    return plain.lower() not in GRAMMAR


def is_name(subject: Model, token: int) -> bool:
    """Whether a token is a name rather than a word that begins a sentence: commoner with its capital.

    The first tokens of a vocabulary are the most frequent.
    """
    text = subject.token_texts([token])[0]
    if not text.strip()[:1].isupper():
        return False
    small = subject.pieces(text.lower())
    return len(small) != 1 or small[0] > token


def is_telling(text: str) -> bool:
    """Whether a token of a text is anything but a function word or a sign: short pieces and letters are."""
    return bool(re.search(r"\w", text)) and text.strip().lower() not in GRAMMAR


def same_kind(
    subject: Model,
    token: int,
    among: Sequence[int],
    grammar: bool = False,
    least: float | None = None,
    likely: Float[Tensor, " vocab"] | None = None,
) -> list[tuple[int, float]]:
    """Of these tokens those of the token's kind, nearest first: (id, cosine).

    Near beside random tokens (or from the cosine `least` on), written alike (space, capital, digits), a word
    or number (a function word only where `grammar` says so), each family of spellings once (the nearest, or
    the most `likely`), its own never.
    """
    others = [t for t in dict.fromkeys(among) if t != token]
    if not others:
        return []
    cosine = similar(subject, [token], others)[0]
    least = nearness(subject, token) if least is None else least
    texts = dict(zip([token, *others], subject.token_texts([token, *others]), strict=True))
    values = dict(zip(others, cosine.tolist(), strict=True))
    near = [others[i] for i in cosine.argsort(descending=True).tolist() if values[others[i]] >= least]
    alike = [t for t in near if _form(texts[t]) == _form(texts[token])]
    kept = [t for t in alike if grammar or is_content(texts[t])]
    found = []
    for family in families(subject, [token, *kept])[1:]:
        if _is_another(texts[token], texts[family.tokens[0]]):
            best = family.tokens[0] if likely is None else max(family.tokens, key=lambda t: float(likely[t]))
            found.append((best, values[best]))
    return found


def _is_another(own: str, other: str) -> bool:
    """Whether a text is more than another spelling of a word, or another sign."""
    word, spelled = surface(own), surface(other)
    if not word or not spelled:
        return bool(other.strip()) and own.strip() != other.strip()
    return not (spelled.startswith(word[:4]) and word.startswith(spelled[:4]))


def related(
    subject: Model, answer: int, among: Sequence[int], likely: Float[Tensor, " vocab"] | None = None
) -> list[tuple[int, float]]:
    """Those that may be of the answer's kind: what shares its topic; for a function word what is near it."""
    grammar = not is_content(subject.token_texts([answer])[0])
    least = None if grammar else relatedness(subject, answer)
    return same_kind(subject, answer, among, grammar=grammar, least=least, likely=likely)


def nearness(subject: Model, token: int) -> float:
    """The cosine from which a token counts as near: far above what random tokens have."""
    return float(above_random(subject, [token], NEAR)[0])


def relatedness(subject: Model, token: int) -> float:
    """The cosine from which a token may share a token's topic: smaller the wider the model is."""
    most, deviations = RELATED
    return min(most, float(above_random(subject, [token], deviations)[0]))


def above_random(subject: Model, tokens: Sequence[int], deviations: float) -> Float[Tensor, " token"]:
    """Cosines that lie so many standard deviations above each token's mean cosine with random tokens."""
    known = subject.spread
    asked = [token for token in dict.fromkeys(tokens) if token not in known]
    if asked:
        step = max(1, min(FREQUENT, len(subject.unembedding)) // RANDOM)
        cosine = similar(subject, asked, range(0, min(FREQUENT, len(subject.unembedding)), step))
        known |= zip(asked, zip(cosine.mean(1).tolist(), cosine.std(1).tolist(), strict=True), strict=True)
    return torch.tensor([mean + deviations * std for mean, std in map(known.__getitem__, tokens)])


def find_alternatives(frozen: Frozen, answer: int, count: int = 8) -> tuple[Alternative, ...]:
    """The likeliest next tokens of the answer's own kind, likeliest first; () where there are none.

    Beside a whole word none that the model takes for the beginning of one. Looked for once a text.
    """
    key = "alternatives", answer
    if key not in frozen.found:
        frozen.found[key] = _find_alternatives(frozen, answer)
    found: tuple[Alternative, ...] = frozen.found[key]
    return found[:count]


def find_in_text(frozen: Frozen, token: int) -> tuple[int, ...]:
    """Where the word of a token stands in the text, with or without the space it begins with."""
    own = frozen.subject.token_texts([token])[0].strip()
    places = range(int(frozen.bos), frozen.length)
    return tuple(place for place in places if own and frozen.tokens[place].strip() == own)


def with_space(subject: Model, token: int) -> int:
    """The token that begins with a space and is the same word, where it is one; else the token itself."""
    return spelled_like(subject, token, None) or token


def spelled_like(subject: Model, token: int, like: int | None) -> int | None:
    """The token of the same word that begins as `like` does, with a space or without (with one for None)."""
    text = subject.token_texts([token])[0]
    spaced = like is None or subject.token_texts([like])[0][:1].isspace()
    if text[:1].isspace() == spaced:
        return token
    ids = subject.pieces(f" {text}" if spaced else text.strip())
    return ids[0] if len(ids) == 1 else None


def find_rival_in_text(frozen: Frozen, answer: int) -> int | None:
    """Where the answer stands in the text: the likeliest other word of its kind that does too, None without.

    "Mary and John … John gave a drink to": beside Mary it is John that could have come.
    """
    subject, own = frozen.subject, set(find_in_text(frozen, answer))
    if not own or not is_content(subject.token_texts([answer])[0]):
        return None
    others = [token for place, token in enumerate(frozen.ids.tolist()) if place not in own]
    spelled = [spelled_like(subject, token, answer) for token in others[int(frozen.bos) :]]
    there = [token for token in spelled if token is not None]
    kind = same_kind(subject, answer, there, least=relatedness(subject, answer))
    if not is_name(subject, answer):  # what only shares its topic is no rival: "baby" for "cat"
        kind = [pair for pair in kind if pair[1] >= nearness(subject, answer)]
    whole = zip(kind, stand_alone(subject, [token for token, _ in kind]), strict=True)
    named = [token for (token, _), is_whole in whole if is_whole]
    return max(named, key=lambda token: float(frozen.logits[token]), default=None)


def find_rivals(frozen: Frozen, answer: int) -> set[int]:
    """What could come in the place of the answer: likely next tokens that share its topic, and its kind."""
    likely = frozen.logits.topk(min(COMPARED, len(frozen.logits))).indices.tolist()
    near = [token for token, _ in related(frozen.subject, answer, likely)]
    return {*near, *(one.token_id for one in find_alternatives(frozen, answer, COMPARED))}


def _find_alternatives(frozen: Frozen, answer: int) -> tuple[Alternative, ...]:
    subject, logits = frozen.subject, frozen.logits
    likely = logits.topk(min(LIKELY, len(logits))).indices.tolist()
    grammar = not is_content(subject.token_texts([answer])[0])
    near = dict(related(subject, answer, likely, logits))
    p = logits.double().softmax(-1)
    best = sorted(near, key=lambda token: -float(p[token]))[:COMPARED]
    whole = dict(zip([answer, *best], stand_alone(subject, [answer, *best]), strict=True))
    if whole[answer] and not grammar:  # of a mere beginning nobody knows what kind of thing it is
        kin = of_one_kind(subject, answer, best)
        if len(kin) < FEW:  # what is nearest then stands in for the kind
            least = nearness(subject, answer)
            kin = [token for token in best if token in kin or near[token] >= least]
        best = kin
    if whole[answer]:
        best = [token for token in best if whole[token]]
    if whole[answer] and not grammar:
        best = sorted({*best, *_clearly_likelier(frozen, answer, best)}, key=lambda token: -float(p[token]))
    cosine = similar(subject, [answer], best)[0].tolist() if best else []
    return tuple(
        Alternative(text, token, float(p[token]), value)
        for text, token, value in zip(subject.token_texts(best), best, cosine, strict=True)
    )


def _clearly_likelier(frozen: Frozen, answer: int, found: Sequence[int]) -> list[int]:
    """Next words that are much likelier than all of the kind that were found, and not far from it.

    "bird" for "fish", where the nearest of its kind is "salmon". A word too short to mean something by its
    letters counts where it is near as well ("un" for "une", "Ag" for "Au").
    """
    subject, p = frozen.subject, frozen.logits.double().softmax(-1)
    first = p.topk(min(LIKELIEST, len(p))).indices.tolist()
    floor = CLEARLY * max((float(p[token]) for token in found), default=0.0)
    texts = dict(zip([answer, *first], subject.token_texts([answer, *first]), strict=True))
    able = [
        token for token in first if float(p[token]) > floor and _form(texts[token]) == _form(texts[answer])
    ]
    able = [token for token in able if _is_another(texts[answer], texts[token])]
    if not able:
        return []
    near = (similar(subject, [answer], able)[0] >= nearness(subject, answer)).tolist()
    rows = zip(able, kinship(subject, answer, able).tolist(), near, stand_alone(subject, able), strict=True)
    return [
        token
        for token, alike, is_near, whole in rows
        if (is_near and alike >= VERY_ALIKE) or (alike >= ALIKE and whole and is_content(texts[token]))
    ]


def of_one_kind(subject: Model, token: int, others: Sequence[int]) -> list[int]:
    """Those of the others that the model takes for the same kind of thing, in their order.

    After "China is a" it goes on as after "Japan is a", not as after "Beijing is a": next-token
    distributions are compared (Bhattacharyya coefficient), beside the most alike of the others. What is near
    in the unembedding shares a topic; this is what kind of thing it is.
    """
    if len(others) < 2:
        return list(others)
    alike = kinship(subject, token, others)
    least = max(float(alike.max()) - KIN, LEAST_KIN)
    return [other for other, value in zip(others, alike.tolist(), strict=True) if value >= least]


@torch.no_grad()
def kinship(subject: Model, token: int, others: Sequence[int]) -> Float[Tensor, " other"]:
    """How alike the model goes on after "X is a", among frequent tokens, 0 to 1; each token is kept."""
    every = list(dict.fromkeys((token, *others)))
    known = {one: subject.followed[one] for one in every if one in subject.followed}
    asked = [one for one in every if one not in known]
    if asked:
        tail = subject.pieces(" is a")
        ids = torch.tensor([[one, *tail] for one in asked], device=subject.unembedding.device)
        root = next_logits(subject, _begin(subject), ids, first=FREQUENT).float().softmax(-1).sqrt()
        known |= zip(asked, root.half(), strict=True)
        _remember(subject, {one: known[one] for one in asked})
    return torch.stack([known[other] for other in others]).float() @ known[token].float()


def _remember(subject: Model, found: Mapping[int, Tensor]) -> None:
    """Keep how a text goes on behind these tokens, and forget the oldest."""
    subject.followed.update((token, root.clone()) for token, root in found.items())
    for token in list(subject.followed)[: max(0, len(subject.followed) - FOLLOWED)]:
        subject.followed.pop(token, None)


def _begin(subject: Model) -> list[int]:
    """What stands before a word that is looked at alone: the begin token, a line end where there is none.

    A word at position 0 is where attention rests, and is hardly read as the word it is.
    """
    bos = subject.tokenizer.bos_token_id
    return subject.pieces("\n")[:1] if bos is None else [bos]


def contrast_direction(
    logits: Float[Tensor, "*row vocab"], answer: int, alternatives: Sequence[Alternative]
) -> Float[Tensor, "*row"]:
    """logit(answer) minus the mean of the alternatives' logits (of the vocabulary's where there are none).

    In float64, whatever the logits are in.
    """
    others = [alternative.token_id for alternative in alternatives]
    rest = logits[..., others].double() if others else logits.double()
    return logits[..., answer].double() - rest.mean(-1)


def stand_alone(subject: Model, tokens: Sequence[int]) -> list[bool]:
    """Which tokens are whole words to the model itself: behind the others it writes on without a space."""
    known = subject.alone
    asked = [token for token in dict.fromkeys(tokens) if token not in known]
    if asked:
        known |= zip(asked, _ask_alone(subject, asked), strict=True)
    return [known[token] for token in tokens]


@torch.no_grad()
def _ask_alone(subject: Model, tokens: Sequence[int]) -> Iterator[bool]:
    ids = torch.tensor([[token] for token in tokens], device=subject.unembedding.device)
    p = next_logits(subject, _begin(subject), ids, first=FREQUENT).float().softmax(-1)
    best = p.topk(min(LOOKED_AT, p.shape[-1]))
    for indices, values in zip(best.indices.tolist(), best.values.tolist(), strict=True):
        on = sum(
            v for v, text in zip(values, subject.token_texts(indices), strict=True) if text[:1].isalpha()
        )
        yield on < GOES_ON * sum(values)


def _form(text: str) -> tuple[bool, bool, bool, bool]:
    plain = text.strip()
    return text[:1].isspace(), plain[:1].isupper(), plain.isdigit(), plain[:1].isascii()
