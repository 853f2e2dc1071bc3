"""What each sentence of an answer cites, and which parts of the drawing it is about. Draws nothing."""

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from agent.core import (
    ANSWER_ID,
    GROUP_IDS,
    Claim,
    ConceptClaim,
    EffectClaim,
    HopClaim,
    PathClaim,
    PlainClaim,
    PredictionClaim,
    RateClaim,
    RouteClaim,
    Supernode,
    Swap,
    TriedClaim,
    escape_md,
    read_claims,
)

_QUOTED = re.compile(r"“[^”]*”")


def hash_graph_id(graph_id: str) -> str:
    """Eight hex digits that tell drawings apart: a sentence points into the one it was said about."""
    return f"{zlib.crc32(graph_id.encode()):08x}"


def cite_sentences(
    sentences: Sequence[dict[str, Any]],
    claims: Sequence[PlainClaim],
    groups: Sequence[Supernode],
    path: Sequence[str],
) -> list[dict[str, Any]]:
    """For each sentence {"text": its markdown, "claims": ids, "about": what to light up in the drawing}.

    `about` holds ids of boxes (S1, T3, LD), ids of features, and edges written S1>LD.
    """
    known = {claim.id: claim for claim in read_claims(claims)}
    names = {group["id"] for group in groups}
    out = []
    for sentence in sentences:
        cited = [known[name] for name in sentence["claims"] if name in known]
        named = [name for name in GROUP_IDS.findall(_QUOTED.sub("", sentence["text"])) if name in names]
        about = [part for claim in cited for part in _find_cited_parts(claim, named, path)] or named
        text = escape_md(sentence["text"])
        out.append({"text": text, "claims": sentence["claims"], "about": list(dict.fromkeys(about))})
    return out


def _find_cited_parts(claim: Claim, named: Sequence[str], path: Sequence[str]) -> list[str]:
    if isinstance(claim, PredictionClaim):
        return [ANSWER_ID]
    if isinstance(claim, PathClaim):
        return [*path, *(f"{a}>{b}" for a, b in pairwise(path))]
    if isinstance(claim, HopClaim):
        return [claim.source.id, f"{claim.source.id}>{claim.target.id}", claim.target.id]
    if isinstance(claim, RouteClaim):
        return [*(f"T{one.position}" for one in claim.words), ANSWER_ID]
    if isinstance(claim, ConceptClaim):
        one = claim.concept
        return [f"T{one.position}", f"T{one.position}>{one.id}", one.id, f"{one.id}>{ANSWER_ID}", ANSWER_ID]
    if not isinstance(claim, EffectClaim | TriedClaim | RateClaim):
        return []
    if isinstance(claim, EffectClaim) and isinstance(claim.intervention, Swap):
        return [*(f"T{position}" for position in claim.intervention.donor.positions), ANSWER_ID]
    sources = claim.groups or claim.members[:1]
    moved = [name for name in named if name not in sources]  # a sentence on a knock-on effect names the other
    ways = [f"{source}>{name}" for source in sources for name in moved or [ANSWER_ID]]
    return [*sources, *moved, *ways, *([] if moved else [ANSWER_ID])]
