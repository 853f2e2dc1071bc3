"""An explanation as tables. The only file that knows pandas."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

Table = pd.DataFrame

GROUPS = (
    *("id", "name", "kind", "sign", "share", "token", "position", "first_layer", "last_layer", "features"),
    *("raises", "lowers", "predicted", "measured", "p", "verdict"),
)
FEATURES = (
    *("id", "layer", "token", "position", "label", "activation", "influence", "effect", "role", "group"),
)
EDGES = ("source", "target", "weight", "source_label", "target_label")
CLAIMS = (
    *("id", "kind", "text", "group", "factor", "predicted", "measured", "largest_control", "controls"),
    *("p", "p_holm", "verdict", "says", "features"),
)

LENS = ("layer", "position", "word", "rank", "token", "score")


def table(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], index: str | None = None
) -> pd.DataFrame:
    """Rows as a table with just these columns, whatever is missing left empty, named by `index`."""
    frame = pd.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns=[*columns])
    return frame if index is None else frame.set_index(index)


def groups_table(drawing: Mapping[str, Any]) -> pd.DataFrame:
    """The supernodes, by id: name, share of the effect, place, and what removing each did.

    `share` is a part of 1; `predicted` and `measured` are changes of logit(answer) − logit(foil), in logits.
    """
    tokens = drawing["tokens"]
    rows = [
        {
            **box,
            "token": tokens[box["position"]],
            "first_layer": box["layers"][0],
            "last_layer": box["layers"][-1],
            "features": len(box["members"]),
        }
        for box in drawing["supernodes"]
    ]
    return table(rows, GROUPS, "id")


def features_table(drawing: Mapping[str, Any]) -> pd.DataFrame:
    """The features of the pruned graph, by id: place, label, what it does.

    `influence` is a part of 1, `effect` the total effect on logit(answer) − logit(foil), in logits.
    """
    tokens = drawing["tokens"]
    rows = [
        {**node, "token": tokens[node["position"]], "group": node["supernode"]}
        for node in drawing["nodes"]
        if node["kind"] == "feature"
    ]
    return table(rows, FEATURES, "id")


def edges_table(drawing: Mapping[str, Any]) -> pd.DataFrame:
    """The edges of the pruned graph that carry most to the answer, first those that carry most.

    `weight` is the direct effect of the source on the target: on the answer in logits, on a feature in its
    activation before the non-linearity.
    """
    labels = {node["id"]: node["label"] for node in drawing["nodes"]}
    rows = [
        {**edge, "source_label": labels.get(edge["source"]), "target_label": labels.get(edge["target"])}
        for edge in drawing["edges"]
    ]
    return table(rows, EDGES)


def _likeliest(says: Any) -> str | None:
    """The token that is said then; of a mechanism, its sentence."""
    return says if isinstance(says, str) else next((said["token"] for said in says or ()), None)


def claims_table(claims: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The evidence, by id: what was foreseen, what was measured beside how many random controls, the verdict.

    Effects are changes of logit(answer) − logit(foil), in logits; `p` is from the controls, `p_holm`
    adjusted; `says` is what the model says with the change.
    """
    rows = []
    for claim in claims:
        drawn = claim.get("controls") or ()
        controls = (drawn.get("values") or ()) if isinstance(drawn, Mapping) else drawn
        rows.append(
            {
                **claim,
                "group": claim.get("supernode") or "+".join(claim.get("groups") or ()) or None,
                "factor": (claim.get("intervention") or {}).get("factor"),
                "largest_control": max(map(abs, controls), default=None),
                "controls": len(controls) or None,
                "says": _likeliest(claim.get("says")),
                "features": len(claim.get("members") or ()),
            }
        )
    return table(rows, CLAIMS, "id")
