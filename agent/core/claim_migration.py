"""Claims as they were written before each kind had a class, as present ones: for old bundles and talks."""

from collections.abc import Callable
from typing import Any

from agent.core.ids import GROUP_SEPARATOR

Plain = dict[str, Any]
_COMMON = ("id", "text", "turn", "verdict", "numbers", "by", "kind")
_TEST = ("members", "predicted", "measured", "p", "p_holm")
_CONTROLLED = (*_TEST, "controls", "doses")
_EFFECT = (
    *(*_CONTROLLED, "predicted_frozen", "predicted_exact", "predicted_curved"),
    *("measured_frozen", "knock_on", "says"),
)


def migrate_claim(claim: Any) -> Any:
    """An old claim's dict in the present form; anything else as it is."""
    if isinstance(claim, dict) and claim.get("kind") == "hop":
        return {name: value for name, value in claim.items() if name != "heads"}  # never filled
    if not isinstance(claim, dict) or not {"supernode", "intervention"} <= claim.keys():
        return claim
    kind = claim.get("kind")
    make = _KINDS.get(kind) if isinstance(kind, str) else None
    if make is None:
        return claim
    present = {name: claim[name] for name in _COMMON if claim.get(name) is not None}
    return {**present, **make(claim)}


def _keep_fields(claim: Plain, names: tuple[str, ...]) -> Plain:
    return {name: claim[name] for name in names if claim.get(name) is not None}


def _list_groups(claim: Plain) -> list[str]:
    return claim["supernode"].split(GROUP_SEPARATOR) if claim["supernode"] else []


def _migrate_effect(claim: Plain) -> Plain:
    how = dict(claim["intervention"])
    wanted = how.pop("wanted", None)
    repair = None
    if wanted is not None:
        saying = claim.get("numbers") or []
        repair = {"wanted": wanted, "margin": how.pop("margin"), "without_one": how.pop("without_one")}
        # how many controls say it stood last among the numbers, once there was a test
        repair["controls_saying"] = int(saying[-1]) if claim.get("p") is not None and saying else 0
    return {
        **_keep_fields(claim, _EFFECT),
        "groups": _list_groups(claim),
        "intervention": how,
        "repair": repair,
    }


def _migrate_rate(claim: Plain) -> Plain:
    texts = [{k: v for k, v in row.items() if v is not None} for row in claim.get("rows") or []]
    over = claim["intervention"]["over"]
    return {**_keep_fields(claim, _TEST), "groups": _list_groups(claim), "over": over, "texts": texts}


def _migrate_heads(claim: Plain) -> Plain:
    total, *shares = claim.get("numbers") or [0.0]
    names = [name.split(".") for name in claim.get("members") or []]
    shares += [0.0] * (len(names) - len(shares))  # an old report holds no numbers
    heads = [
        {"layer": int(name[0]), "head": int(name[1]), "share": share}
        for name, share in zip(names, shares, strict=False)
    ]
    return {"total": total, "heads": heads}


def _migrate_lost(claim: Plain) -> Plain:
    known, *cells = claim["rows"]
    (answer, wanted), (last_answer, last_wanted) = known["whole"], known["last"]
    return {
        **{"for_answer": answer, "for_wanted": wanted},
        **{"last_for_answer": last_answer, "last_for_wanted": last_wanted},
        **{"overtaken": known["overtaken"], "layers": known["layers"], "cells": cells},
    }


def _migrate_search(claim: Plain) -> Plain:
    tried, numbers = claim.get("rows") or [], claim.get("numbers") or []
    return {"sets": int(numbers[0]) if numbers else len(tried), "tried": tried}


def _migrate_joint(claim: Plain) -> Plain:
    tried = [{**row, "groups": row["groups"].split(GROUP_SEPARATOR)} for row in claim.get("rows") or []]
    return {"groups": _list_groups(claim), "tried": tried}


def _migrate_comparison(claim: Plain) -> Plain:
    other, *pairs = claim["rows"]
    return {"other": other, "pairs": pairs}


def _migrate_tried(claim: Plain) -> Plain:
    return {
        **_keep_fields(claim, ("members", "intervention", "measured", "says")),
        "groups": _list_groups(claim),
    }


_KINDS: dict[str, Callable[[Plain], Plain]] = {
    "prediction": lambda _claim: {},
    "graph": lambda claim: _keep_fields(claim, ("members",)),
    "path": lambda claim: _keep_fields(claim, ("members",)),
    "heads": _migrate_heads,
    "words": lambda claim: {"words": claim.get("rows") or []},
    "guess": lambda claim: {**_keep_fields(claim, _CONTROLLED), "groups": _list_groups(claim)},
    "effect": _migrate_effect,
    "tried": _migrate_tried,
    "lost": _migrate_lost,
    "search": _migrate_search,
    "rate": _migrate_rate,
    "joint": _migrate_joint,
    "comparison": _migrate_comparison,
}
