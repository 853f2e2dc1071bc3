"""Claims and their evidence, and the check that an answer says nothing that is not in them.

A sentence cites claims by id; every number in it, outside quoted tokens, must be one that a cited claim
holds, written as this project writes numbers, and its words may not say more than the claims' verdicts
(`agent.evidence.overclaims`). What fails is not shown.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar, overload

from agent.core import (
    ID_PATTERN,
    BaseClaim,
    Claim,
    EffectClaim,
    HeadClaim,
    HeadsClaim,
    RouteClaim,
    TestedClaim,
    claim_id,
    format_p,
    percent,
    read_claim,
    show_change,
    show_rise,
    show_size,
)
from agent.evidence.overclaims import (
    find_number_words,
    find_overclaims,
    find_strange_characters,
    normalise_signs,
)

_QUOTED = re.compile(r"“[^”]*”")
_NUMBER = re.compile(r"[+−-]?\d+(?:[.,]\d+)*(?: %)?")
_PREDICTED = re.compile(r"\b(?:predict|forecast|expect)\w*[^\d.;+−-]{0,24}([+−-]?\d+(?:\.\d+)?(?: %)?)", re.I)
_P = re.compile(r"\bp\s*[=<>≤≥]\s*(\d+(?:\.\d+)?(?: %)?)", re.IGNORECASE)
_MEASURED = re.compile(r"\b(?:measured|observed)[^\d.;+−-]{0,24}([+−-]?\d+(?:\.\d+)?(?: %)?)", re.I)

C = TypeVar("C", bound=BaseClaim)


class Sentence(NamedTuple):
    """A sentence of an answer and the ids of the claims it rests on."""

    text: str
    claims: tuple[str, ...]


@overload
def new_claim(claims: Sequence[Any], turn: int, kind: type[C], **known: Any) -> C: ...
@overload
def new_claim(claims: Sequence[Any], turn: int, kind: str = "graph", **known: Any) -> Claim: ...
def new_claim(claims: Sequence[Any], turn: int, kind: type[C] | str = "graph", **known: Any) -> C | Claim:
    """The next claim of a conversation that has these; its kind by its class or by name."""
    common = {"id": claim_id(len(claims) + 1), "turn": turn, **known}
    return read_claim({"kind": kind, **common}) if isinstance(kind, str) else kind(**common)


def find_faults(sentences: Iterable[Sentence], claims: Sequence[Claim], names: Iterable[str]) -> list[str]:
    """Why these sentences may not be shown; empty when every one is covered by what it cites.

    `names` are ids of supernodes that exist; an id of a feature must be a member of a cited claim.
    """
    known = {claim.id: claim for claim in claims}
    existing = {*names, *known}
    out = []
    for sentence in sentences:
        cited = [known[c] for c in sentence.claims if c in known]
        missing = [c for c in sentence.claims if c not in known]
        out += [f"{c} is not in the ledger" for c in missing]
        if not cited:
            out.append(f"no claim supports: {sentence.text!r}")
            continue
        bare = normalise_signs(_QUOTED.sub("“”", sentence.text))
        out += find_strange_characters(bare)
        out += _find_misnamed(bare, cited, existing)
        out += _find_wrong_numbers(ID_PATTERN.sub("", bare), cited)
        out += find_overclaims(bare, cited)
    return out


def _find_misnamed(bare: str, cited: Sequence[Claim], existing: set[str]) -> list[str]:
    """Ids that do not exist, and groups that the cited tests are not about."""
    features = {member for claim in cited for member in claim.features()}
    out, known = [], {claim.id for claim in cited}
    groups = {name for claim in cited for name in claim.about()}
    tests_only = all(isinstance(claim, EffectClaim) for claim in cited)
    for name in dict.fromkeys(ID_PATTERN.findall(bare)):
        if name not in existing | features:
            out.append(f"{name} does not exist")
        elif name.startswith("C") and name not in known:
            out.append(f"{name} is named but not cited")
        elif name.startswith("S") and tests_only and name not in groups:
            out.append(f"{', '.join(sorted(known))} is not about {name}")
    return out


def _find_wrong_numbers(bare: str, cited: Sequence[Claim]) -> list[str]:
    """Numbers that no cited claim holds, or holds as something else than what they are said to be."""
    written = {text for claim in cited for text in _list_written_numbers(claim)}
    where = ", ".join(claim.id for claim in cited)
    out = [
        f"the number {number} is in none of {where}"
        for number in _NUMBER.findall(bare)
        if number not in written
    ]
    chances = {text for claim in cited for text in _list_p_values(claim)}
    out += [f"{number} is not the p of {where}" for number in _P.findall(bare) if number not in chances]
    if all(isinstance(claim, EffectClaim) for claim in cited):
        foreseen = {
            text for claim in cited for value in claim.foreseen() for text in _list_number_forms(value)
        }
        seen = {text for claim in cited for value in claim.seen() for text in _list_number_forms(value)}
        said = (
            ("predicted", _PREDICTED.findall(bare), foreseen),
            ("measured", _MEASURED.findall(bare), seen),
        )
        for name, numbers, held in said:
            out += [f"{number} is not what {where} {name}" for number in numbers if number not in held]
    return out + find_number_words(bare, written)


def _list_p_values(claim: Claim) -> set[str]:
    """The p-values of a test as they are written."""
    values = (claim.p, claim.p_holm) if isinstance(claim, TestedClaim) else ()
    return {format_p(p) for p in values if p is not None}


def _list_number_forms(value: float) -> set[str]:
    return {
        show_change(value),
        show_size(value),
        show_size(abs(value)),
        percent(value),
        percent(abs(value)),
        show_rise(value),
    }


def _list_written_numbers(claim: Claim) -> set[str]:
    """Every way a sentence may write a number this claim holds."""
    out = _list_p_values(claim)
    if isinstance(claim, HeadClaim | HeadsClaim | RouteClaim):
        out |= set(claim.features())  # 9.0 is head 0 of layer 9, and no number
    for value in claim.values():
        out |= _list_number_forms(value)
        out |= {f"{value:g}", f"{value:.0f}"} if float(value).is_integer() else {f"{value:g}"}
    return out | {text.replace("-", "−") for text in out if text.startswith("-")}
