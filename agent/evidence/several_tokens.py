"""Answers of several tokens: where the choice falls between them, and words that were mistyped.

Tokens are looked at one after the other, each in its place: the text goes on with what stands before the one
that is explained. Runs no experiment.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from agent.core import QuestionError, join_words, joined, named_tokens, percent, quote_token
from agent.evidence.contrast import resolve_token

if TYPE_CHECKING:
    from tracer import Prediction, Study, Token

LOOKED_AT = 200  # likeliest next tokens among which a mistyped word is looked for
ALIKE = 0.8  # how much of two spellings is the same, for one to be the other mistyped
DIGITS = 6  # of a number behind a space that are read on
UNLIKELY = 0.02  # what is likelier than this is no slip


class Studies(Protocol):
    """Where texts are studied."""

    def study(self, text: str) -> "Study":
        """The text's forward pass."""

    def know_written(self, text: str, ids: Sequence[int]) -> None:
        """A text is just these tokens."""


class _Place(NamedTuple):
    """One token of an answer: the text before it, and how likely it is there."""

    study: "Study"
    text: str
    token_id: int
    p: float


class Falls(NamedTuple):
    """The question where the choice falls, a sentence on it, and the probabilities that it states."""

    question: dict[str, Any]
    note: str = ""
    shares: tuple[float, ...] = ()


def to_where_it_falls(studies: Studies, question: dict[str, Any]) -> Falls:
    """The question behind the tokens before the one that decides, and a sentence on it.

    Answer and foil are parted where they differ; an answer alone at its least likely token; a foil alone
    where the model goes another way. As it was where the first token decides. Raises QuestionError for a
    word that was mistyped, with what was meant.
    """
    study = studies.study(question["text"])
    said, foil = (_resolved(study, question.get(slot)) for slot in ("said", "foil"))
    for slot, token in (("said", said), ("foil", foil)):
        exact = str(question.get(slot) or "")[:1].isspace()
        if token is not None and not exact and (meant := propose_spelling(studies, study, token)):
            wrong = quote_token(question[slot])
            raise QuestionError(
                f"{wrong} is no word the model was about to say. Did you mean {quote_token(meant.strip())}? "
                f"Ask about that, or give {wrong} with its leading space to have it as it stands."
            )
    if said is not None and foil is not None:
        return _where_both_part(studies, study, question, said, foil)
    if said is not None and len(said.ids) > 1:
        return _where_it_chose(studies, study, question, (said.text, *said.rest), said.ids)
    if foil is not None and len(foil.ids) > 1:
        return _where_it_went_another_way(studies, study, question, foil)
    if said is None and foil is None:
        return _behind_a_space(studies, study, question)
    return Falls(question)


def _resolved(study: "Study", piece: str | None) -> "Token | None":
    return resolve_token(study, piece) if piece else None


def _where_both_part(
    studies: Studies, study: "Study", question: dict[str, Any], said: "Token", foil: "Token"
) -> Falls:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(said.ids, foil.ids, strict=False))
    shared = [token_id for token_id, _ in pairs]
    if not shared or said.ids == foil.ids:
        return Falls(question)
    places = walk(studies, study, shared)
    moved = _behind(studies, study, question, shared)
    rest = [_rest(token, len(shared)) for token in (said, foil)]
    moved |= {"said": rest[0] or None, "foil": rest[1] or None}
    together = quote_token(_text(said, len(shared)))
    against = (
        f"what decides is {quote_token(rest[0])} against {quote_token(rest[1])}"
        if all(rest)
        else f"what decides is whether {quote_token(rest[0] or rest[1])} comes behind it"
    )
    unless, shares = _unless_said(places)
    return Falls(moved, f"They share {together}{unless}; {against}.", shares)


def _where_it_chose(
    studies: Studies, study: "Study", question: dict[str, Any], texts: Sequence[str], ids: Sequence[int]
) -> Falls:
    places = walk(studies, study, ids)
    other = next((i for i, place in enumerate(places) if not _is_first(place)), None)
    falls = min(range(len(places)), key=lambda i: places[i].p) if other is None else other
    named = named_tokens(texts)
    parts = join_words([f"{quote_token(t)} ({percent(p.p)})" for t, p in zip(named, places, strict=True)])
    whole = quote_token(joined(texts).strip() or joined(texts))
    token = quote_token(named[falls])
    which = f"the least likely is {token}" if other is None else f"{token} is not what it says by itself"
    note = f"{whole} is {parts}, each in its place; {which}, so that token is looked at."
    moved = _behind(studies, study, question, ids[:falls]) if falls else dict(question)
    shares = tuple(place.p for place in places)
    return Falls({**moved, "said": joined(texts[falls : falls + 1])}, note, shares)


def _where_it_went_another_way(
    studies: Studies, study: "Study", question: dict[str, Any], foil: "Token"
) -> Falls:
    places = walk(studies, study, foil.ids)
    parts = next((i for i, place in enumerate(places) if not _is_first(place)), len(places))
    if parts in (0, len(places)):
        return Falls(question)
    moved = _behind(studies, study, question, foil.ids[:parts])
    own = places[parts].study.predictions(1)[0]
    rest = _rest(foil, parts)
    note = (
        f"They share {quote_token(_text(foil, parts))}, which the model does say; what decides is "
        f"{quote_token(own.token)} against {quote_token(rest)}."
    )
    return Falls({**moved, "foil": rest}, note)


def _behind_a_space(studies: Studies, study: "Study", question: dict[str, Any]) -> Falls:
    """What comes behind a space that the model says first; of a number its least likely digit."""
    space = study.predictions(1)[0]
    if space.token != " ":
        return Falls(question)
    moved = _behind(studies, study, question, [space.token_id])
    note = f"It first says a space ({percent(space.p)}); what comes behind it is looked at."
    behind = at = studies.study(moved["text"])
    digits: list[Prediction] = []
    while len(digits) < DIGITS and (first := at.predictions(1)[0]).token.isdigit():
        digits.append(first)
        at = studies.study(_behind(studies, at, question, [first.token_id])["text"])
    if len(digits) < 2:
        return Falls(moved, note, (space.p,))
    texts, ids = [one.token for one in digits], [one.token_id for one in digits]
    number = _where_it_chose(studies, behind, moved, texts, ids)
    note = f"It first says a space ({percent(space.p)}). {number.note}"
    return Falls({**number.question, "said": None}, note, (space.p, *number.shares))


def walk(studies: Studies, study: "Study", ids: Sequence[int]) -> list[_Place]:
    """Each of these tokens in its place behind the text and the ones before it."""
    places, at, text = [], study, study.text
    for count, token_id in enumerate(ids):
        if count:
            text = study.going_on(ids[:count])
            studies.know_written(text, [*study.ids, *ids[:count]])
            at = studies.study(text)
        places.append(_Place(at, text, token_id, at.probability(token_id)))
    return places


def _behind(studies: Studies, study: "Study", question: dict[str, Any], ids: Sequence[int]) -> dict[str, Any]:
    """The question about the text that goes on with these tokens."""
    text = study.going_on(ids)
    studies.know_written(text, [*study.ids, *ids])
    return {**question, "text": text}


def _unless_said(places: list[_Place]) -> tuple[str, tuple[float, ...]]:
    """What is to be said of the shared tokens where the model does not say them by itself; its numbers."""
    other = next((place for place in places if not _is_first(place)), None)
    if other is None:
        return "", ()
    first = other.study.predictions(1)[0]
    itself = f"the model by itself says {quote_token(first.token)}, {percent(first.p)}"
    return f" ({percent(other.p)} here; {itself})", (other.p, first.p)


def _is_first(place: _Place) -> bool:
    return place.study.predictions(1)[0].token_id == place.token_id


def _text(token: "Token", count: int) -> str:
    return joined((token.text, *token.rest)[:count])


def _rest(token: "Token", skip: int, count: int | None = None) -> str:
    pieces = (token.text, *token.rest)[skip:]
    return joined(pieces if count is None else pieces[:count])


def propose_spelling(studies: Studies, study: "Study", token: "Token") -> str | None:
    """What a word that is cut into several tokens was meant to be: a likely one that is spelled almost so."""
    if len(token.ids) < 2:
        return None
    for skip, place in enumerate(walk(studies, study, token.ids)):
        wanted = _rest(token, skip)
        plain = wanted.strip().casefold()
        if place.p > UNLIKELY or len(plain) < 4:
            if place.p <= UNLIKELY:
                return None
            continue
        likely = place.study.predictions(LOOKED_AT)
        meant = max(likely, key=lambda one: _alike(one.token, plain))
        if meant.token.strip().casefold() != plain and _alike(meant.token, plain) >= ALIKE:
            return _text(token, skip) + meant.token
        return None
    return None


def _alike(token: str, plain: str) -> float:
    other = token.strip().casefold()
    return SequenceMatcher(None, other, plain).ratio() if other[:1] == plain[:1] else 0.0
