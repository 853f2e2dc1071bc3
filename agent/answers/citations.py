"""What each sentence of an answer cites, and which parts of the drawing it is about. Draws nothing."""

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from agent.core import Claim, Supernode, escaped

_QUOTED = re.compile(r"“[^”]*”")
_GROUP = re.compile(r"\bS\d+\b")


def circuit_id(graph_id: str) -> str:
    """Eight hex digits that tell drawings apart: a sentence points into the one it was said about."""
    return f"{zlib.crc32(graph_id.encode()):08x}"


def cites(
    sentences: Sequence[dict[str, Any]],
    claims: Sequence[Claim],
    groups: Sequence[Supernode],
    path: Sequence[str],
) -> list[dict[str, Any]]:
    """For each sentence {"text": its markdown, "claims": ids, "about": what to light up in the drawing}.

    `about` holds ids of boxes (S1, T3, LD), ids of features, and edges written S1>LD.
    """
    known = {claim["id"]: claim for claim in claims}
    names = {group["id"] for group in groups}
    out = []
    for sentence in sentences:
        cited = [known[name] for name in sentence["claims"] if name in known]
        named = [name for name in _GROUP.findall(_QUOTED.sub("", sentence["text"])) if name in names]
        about = [part for claim in cited for part in _about(claim, named, path)] or named
        text = escaped(sentence["text"])
        out.append({"text": text, "claims": sentence["claims"], "about": list(dict.fromkeys(about))})
    return out


def _about(claim: Claim, named: Sequence[str], path: Sequence[str]) -> list[str]:
    if claim["kind"] == "prediction":
        return ["LD"]
    if claim["kind"] == "path":
        return [*path, *(f"{a}>{b}" for a, b in pairwise(path))]
    if claim["intervention"] is None:
        return []
    donor = claim["intervention"].get("donor")
    if donor is not None:
        return [*(f"T{position}" for position in donor["positions"]), "LD"]
    sources = (claim["supernode"] or "").split("+") if claim["supernode"] else claim["members"][:1]
    moved = [name for name in named if name not in sources]  # a sentence on a knock-on effect names the other
    ways = [f"{source}>{name}" for source in sources for name in moved or ["LD"]]
    return [*sources, *moved, *ways, *([] if moved else ["LD"])]
