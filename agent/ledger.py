"""Claims and their evidence, and the check that an answer says nothing that is not in them.

A sentence cites claims by id; every number in it, outside quoted tokens, must be one that a cited claim
holds, written as this project writes numbers. What fails is not shown.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from agent.state import Claim
from agent.words import chance, percent, plain, signed

_QUOTED = re.compile(r"“[^”]*”")
_ID = re.compile(r"\b(?:[SC]\d+|L\d+\.N\d+[+-]@\d+)\b")
_NUMBER = re.compile(r"[+−-]?\d+(?:[.,]\d+)*(?: %)?")
SURE_WORDS = re.compile(r"\b(proves?|certainly|definitely|undoubtedly|conclusively)\b", re.IGNORECASE)


class Sentence(NamedTuple):
    """A sentence of an answer and the ids of the claims it rests on."""

    text: str
    claims: tuple[str, ...]


def new_claim(claims: Sequence[Claim], turn: int, **known: Any) -> Claim:
    """The next claim of a conversation; what is not given is unknown."""
    blank: dict[str, Any] = {
        "id": f"C{len(claims) + 1}",
        "text": "",
        "kind": "graph",
        "supernode": None,
        "intervention": None,
        "members": [],
        "verdict": "graph-only",
        "knock_on": [],
        "numbers": [],
        "turn": turn,
    }
    names = (name for name in Claim.__annotations__ if name not in blank)
    return cast(Claim, {**dict.fromkeys(names), **blank, **known})


def faults(sentences: Iterable[Sentence], claims: Sequence[Claim], names: Iterable[str]) -> list[str]:
    """Why these sentences may not be shown; empty when every one is covered by what it cites.

    `names` are ids of supernodes that exist; an id of a feature must be a member of a cited claim.
    """
    known = {claim["id"]: claim for claim in claims}
    existing = {*names, *known}
    out = []
    for sentence in sentences:
        cited = [known[c] for c in sentence.claims if c in known]
        missing = [c for c in sentence.claims if c not in known]
        out += [f"{c} is not in the ledger" for c in missing]
        if not cited:
            out.append(f"no claim supports: {sentence.text!r}")
            continue
        bare = _QUOTED.sub("“”", sentence.text)
        features = {member for claim in cited for member in claim["members"]}
        out += [f"{name} does not exist" for name in _ID.findall(bare) if name not in existing | features]
        written = {text for claim in cited for text in _writings(claim)}
        for number in _NUMBER.findall(_ID.sub("", bare)):
            if number not in written:
                out.append(f"the number {number} is in none of {', '.join(sentence.claims)}")
        if SURE_WORDS.search(bare):
            out.append(f"a word of certainty no verdict gives: {sentence.text!r}")
    return out


def _writings(claim: Claim) -> set[str]:
    """Every way a sentence may write a number this claim holds."""
    values: list[float] = [*claim["numbers"], len(claim["members"])]
    for name in ("predicted", "predicted_frozen", "predicted_exact", "measured", "measured_frozen"):
        values.append(claim[name] or 0.0)
    controls, doses = claim["controls"], claim["doses"] or {}
    if controls:
        values += [controls[name] for name in ("n", "mean", "sd", "max_abs", "matched")]
    values += [float(dose) for dose in doses] + list(doses.values())
    if claim["intervention"]:
        values.append(claim["intervention"]["factor"])
    for known in claim["knock_on"]:
        values += [known["predicted"], known["measured"]]
    values += [guess["p"] for guess in claim["says"] or []]
    out = {chance(p) for p in (claim["p"], claim["p_holm"]) if p is not None}
    for value in values:
        out |= {signed(value), plain(value), plain(abs(value)), percent(value), percent(abs(value))}
        out |= {f"{value:g}", f"{value:.0f}"} if float(value).is_integer() else {f"{value:g}"}
    return out
