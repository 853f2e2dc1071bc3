"""Bundles of version 1 as present ones: claims had no classes, and reports left out a part of them."""

from typing import Any

from agent.core import migrate_claim

UNREPORTED_FIELDS = (
    "numbers",
    "turn",
    "members",
    "rows",
    "by",
)  # of a claim, where an old report left it out


def migrate_bundle(raw: dict[str, Any]) -> dict[str, Any]:
    """The bundle with its claims in the present form; what is broken stays broken for who reads it next."""
    kept, report = raw.get("kept"), raw.get("report")
    if not isinstance(kept, dict) or not isinstance(report, dict):
        return raw
    ledger, reported = (_list_claims(holder.get("claims")) for holder in (kept, report))
    whole = {claim.get("id"): claim for claim in ledger}
    filled = [_fill_claim(claim, whole.get(claim.get("id"), {})) for claim in reported]
    return {
        **raw,
        "version": 2,
        "kept": {**kept, "claims": [_migrate_claim(claim) for claim in ledger]},
        "report": {**report, "claims": [_migrate_claim(claim) for claim in filled]},
    }


def _list_claims(claims: Any) -> list[dict[str, Any]]:
    return [claim for claim in claims if isinstance(claim, dict)] if isinstance(claims, list) else []


def _fill_claim(claim: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """A reported claim with what the ledger says beyond it."""
    return {**{name: whole[name] for name in UNREPORTED_FIELDS if name in whole}, **claim}


def _migrate_claim(claim: dict[str, Any]) -> Any:
    """A claim in the present form; one that is broken as it is, to be refused where it is read."""
    try:
        return migrate_claim(claim)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return {"kind": claim.get("kind"), "broken": True}
