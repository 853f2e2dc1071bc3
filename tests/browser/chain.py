"""A worked example of which the chain of concepts is made up: nothing in it was measured."""

from pathlib import Path
from typing import Any

from agent import Bundle
from ui.page import shared_bundles

FOLD = "\n\n<details><summary>The evidence</summary>\n\n**Concepts.** It reads Texas.\n\n</details>"


def concepts(tokens: list[str], answer: str, layers: int) -> list[dict[str, Any]]:
    """Two on the way to the answer, the answer itself, and one beside."""
    at, end = tokens.index(" Dallas"), len(tokens) - 1
    made = [
        (" Texas", at, (5, 9), "concept", 6.4, "supported"),
        (" Texas", end, (11, 13), "concept", 4.1, "partly"),
        (answer, end, (14, layers - 2), "answer", 8.2, "supported"),
        (" city", end, (8, 10), "concept", 3.0, None),
    ]
    names = ("name", "position", "layers", "role", "strength", "verdict")
    parts = [dict(zip(names, one, strict=True)) for one in made]
    return [{"id": f"K{n}", "tokens": [part["name"]], **part} for n, part in enumerate(parts, 1)]


def lens(tokens: list[str], answer: str, layers: int) -> dict[str, Any]:
    """A table in which Texas stands out at Dallas, the answer at the end, and one word is markup."""
    positions, dallas = list(range(1, len(tokens))), tokens.index(" Dallas")
    cells = []
    for layer in range(layers):
        row = [[[tokens[at], 2 + at % 5], [" thing", 1.0], [" <b>bold</b>", -0.5]] for at in positions]
        row[dallas - 1] = [[" Texas", 4.0 + layer / 3], [" Houston", 3.0], [" Dallas", 2.5]]
        row[-1] = [[answer, 9.0], [" city", 2.0]] if layer > layers // 2 else [[" city", 1.2], [answer, 3.0]]
        cells.append(row)
    places = [1 if layer > layers // 2 else 9000 - 500 * layer for layer in range(layers)]
    return {"layers": list(range(layers)), "positions": positions, "cells": cells, "places": places}


def made_up_bundle() -> Bundle:
    """The example on Dallas with a chain and a lens in its drawing and a fold in its answer."""
    bundle = shared_bundles.find_bundle("dallas", Path())
    plain = bundle.model_dump(mode="json")
    view = plain["drawing"]
    answer = view["target"]["answer"]
    view["concepts"] = concepts(view["tokens"], answer, view["n_layers"])
    heads = [{"name": "10.2", "share": 0.41}]
    view["hops"] = [{"source": "K1", "target": "K2", "share": 0.72, "heads": heads, "verdict": "supported"}]
    view["path"] = ["K1", "K2", "K3"]
    view["lens"] = lens(view["tokens"], answer, view["n_layers"])
    tokens = [
        {"token": answer, "before": 0.48, "after": 0.04},
        {"token": " Atlanta", "before": 0.01, "after": 0.49},
    ]
    view["changed"] = {"kind": "exchanged", "about": ["K1"], "other": " Georgia", "tokens": tokens}
    plain["kept"]["history"][-1]["content"] += FOLD
    return Bundle.model_validate(plain)
