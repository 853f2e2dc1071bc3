"""Claims and their evidence, and the check that an answer says nothing that is not in them.

A sentence cites claims by id; every number in it, outside quoted tokens, must be one that a cited claim
holds, written as this project writes numbers, and its words may not say more than the claims' verdicts
(`agent.evidence.overclaims`). What fails is not shown.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from agent.core import Claim, chance, percent, plain, risen, signed
from agent.evidence.overclaims import number_words, overclaims, spelled, strange

_QUOTED = re.compile(r"“[^”]*”")
_ID = re.compile(r"\b(?:L\d+\.(?:N\d+[+-]|F\d+)@\d+|(?:[SCLNTF]\s?|[sclntf])\d+(?:[./]?[NFnf]?\d+[+-]?)*)\b")
_NUMBER = re.compile(r"[+−-]?\d+(?:[.,]\d+)*(?: %)?")
_FORESEEN = re.compile(r"\b(?:predict|forecast|expect)\w*[^\d.;+−-]{0,24}([+−-]?\d+(?:\.\d+)?(?: %)?)", re.I)
_P = re.compile(r"\bp\s*[=<>≤≥]\s*(\d+(?:\.\d+)?(?: %)?)", re.IGNORECASE)
_SEEN = re.compile(r"\b(?:measured|observed)[^\d.;+−-]{0,24}([+−-]?\d+(?:\.\d+)?(?: %)?)", re.I)


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
        bare = spelled(_QUOTED.sub("“”", sentence.text))
        out += strange(bare)
        out += _misnamed(bare, cited, existing)
        out += _miscounted(_ID.sub("", bare), cited)
        out += overclaims(bare, cited)
    return out


def _misnamed(bare: str, cited: Sequence[Claim], existing: set[str]) -> list[str]:
    """Ids that do not exist, and groups that the cited tests are not about."""
    features = {member for claim in cited for member in claim["members"]}
    out, known = [], {claim["id"] for claim in cited}
    groups = {name for claim in cited for name in _groups_of(claim)}
    tests_only = all(claim["kind"] == "effect" for claim in cited)
    for name in dict.fromkeys(_ID.findall(bare)):
        if name not in existing | features:
            out.append(f"{name} does not exist")
        elif name.startswith("C") and name not in known:
            out.append(f"{name} is named but not cited")
        elif name.startswith("S") and tests_only and name not in groups:
            out.append(f"{', '.join(sorted(known))} is not about {name}")
    return out


def _groups_of(claim: Claim) -> list[str]:
    return [*(claim["supernode"] or "").split("+"), *(known["supernode"] for known in claim["knock_on"])]


def _miscounted(bare: str, cited: Sequence[Claim]) -> list[str]:
    """Numbers that no cited claim holds, or holds as something else than what they are said to be."""
    written = {text for claim in cited for text in _writings(claim)}
    where = ", ".join(claim["id"] for claim in cited)
    out = [
        f"the number {number} is in none of {where}"
        for number in _NUMBER.findall(bare)
        if number not in written
    ]
    chances = {chance(p) for claim in cited for p in (claim["p"], claim["p_holm"]) if p is not None}
    out += [f"{number} is not the p of {where}" for number in _P.findall(bare) if number not in chances]
    if all(claim["kind"] == "effect" for claim in cited):
        said = {"predicted": _FORESEEN.findall(bare), "measured": _SEEN.findall(bare)}
        for name, numbers in said.items():
            held = {text for claim in cited for text in _named(claim, name)}
            out += [f"{number} is not what {where} {name}" for number in numbers if number not in held]
    return out + number_words(bare, written)


def _named(claim: Claim, name: str) -> set[str]:
    """Every way to write what this claim predicted, or measured."""
    values: list[float] = [known[name] for known in claim["knock_on"]]
    fields = [name, f"{name}_frozen", f"{name}_exact", f"{name}_curved"]
    values += [claim[field] for field in fields if claim.get(field) is not None]  # type: ignore[literal-required]
    return {text for value in values for text in _ways(value)}


def _ways(value: float) -> set[str]:
    return {signed(value), plain(value), plain(abs(value)), percent(value), percent(abs(value)), risen(value)}


def _writings(claim: Claim) -> set[str]:
    """Every way a sentence may write a number this claim holds."""
    values: list[float] = [*claim["numbers"], len(claim["members"])]
    for name in (
        "predicted",
        "predicted_frozen",
        "predicted_exact",
        "predicted_curved",
        "measured",
        "measured_frozen",
    ):
        if claim[name] is not None:
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
    if claim["kind"] == "heads":
        out |= set(claim["members"])  # 9.0 is head 0 of layer 9, and no number
    for value in values:
        out |= _ways(value)
        out |= {f"{value:g}", f"{value:.0f}"} if float(value).is_integer() else {f"{value:g}"}
    return out | {text.replace("-", "−") for text in out if text.startswith("-")}
