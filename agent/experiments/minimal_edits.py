"""Looks for the smallest change that makes the model say the wanted token, and registers what it will do.

The search tries sets (`agent.experiments.minimal_sets`); the smallest is then predicted and tested beside
controls like any other claim. Where the wanted token's path is lost is read from the graph, and says so.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agent.core import (
    Case,
    Cell,
    Claim,
    EffectClaim,
    LostClaim,
    PlainClaim,
    Repair,
    Scaling,
    SearchClaim,
    State,
    TriedSet,
    enter_claims,
    join_words,
    quote_token,
    read_claims,
    round_reported,
    show_change,
    show_size,
)
from agent.evidence import new_claim
from agent.experiments.minimal_sets import MinimalSet, SetSearch, find_smallest_sets
from agent.workspace import Workspace
from tracer import Attempt, Contrast, Intervention, try_groups

BANDS = 3


def search_minimal_edits(
    workspace: Workspace, case: Case, state: State, progress: Callable[[float], None] = lambda _done: None
) -> list[PlainClaim]:
    """The ledger with where the wanted token loses, what was tried, and a prediction for each set found."""
    features = [f for f in state.get("features", []) if f["position"] >= int(case["bos"])]
    contrast = workspace.contrast(case["text"], case["answer_id"], case["foil_id"])
    found = find_smallest_sets(features, _make_trials(contrast, progress))
    before, new = state.get("claims", []), list[Claim]()
    new.append(_find_outweighed(before, state, case, features))
    new.append(_record_search([*before, *new], state, case, found))
    for one in found.found:
        new.append(_register_set([*before, *new], state, case, contrast, one))
    return enter_claims(state, *new)


def _make_trials(
    contrast: Contrast, progress: Callable[[float], None]
) -> Callable[[Sequence[Sequence[str]], float], list[Attempt]]:
    rounds = 0

    def run(sets: Sequence[Sequence[str]], factor: float) -> list[Attempt]:
        nonlocal rounds
        before = rounds
        rounds += 1  # how many it takes is not known before
        kind = "ablate" if factor == 0 else "steer"
        return try_groups(
            contrast, sets, Intervention(kind, factor), lambda done: progress(1 - 0.9 ** (before + done))
        )

    return run


def _find_outweighed(
    claims: Sequence[Any], state: State, case: Case, features: Sequence[dict[str, Any]]
) -> LostClaim:
    """Where the graph's features for the wanted token are outweighed: by word, layer and both."""
    layers = 1 + max((f["layer"] for f in features), default=0)
    cells: dict[tuple[int, int], list[float]] = {}
    by_layer = [[0.0, 0.0] for _ in range(layers)]
    for f in features:
        side, size = int(f["effect"] < 0), abs(f["effect"])
        cells.setdefault((f["position"], f["layer"] * BANDS // layers), [0.0, 0.0])[side] += size
        by_layer[f["layer"]][side] += size
    rows = [
        Cell(
            position=position,
            layers=(-(-band * layers // BANDS), -(-(band + 1) * layers // BANDS) - 1),
            for_answer=round_reported(pair[0]),
            for_wanted=round_reported(pair[1]),
        )
        for (position, band), pair in sorted(cells.items())
    ]
    last = len(case["tokens"]) - 1
    whole = [sum(pair[side] for pair in by_layer) for side in (0, 1)]
    at_last = [sum(pair[s] for (p, _), pair in cells.items() if p == last) for s in (0, 1)]
    shares = [at_last[s] / whole[s] if whole[s] else 0.0 for s in (0, 1)]
    return new_claim(
        claims,
        state["turn"],
        LostClaim,
        text=(
            f"In the pruned graph, the effects of features for {quote_token(case['foil'])} add up to "
            f"{show_size(whole[1])} and of features for {quote_token(case['answer'])} to "
            f"{show_size(whole[0])}; what acts "
            "through later features counts there, too."
        ),
        for_answer=round_reported(whole[0]),
        for_wanted=round_reported(whole[1]),
        last_for_answer=round_reported(shares[0]),
        last_for_wanted=round_reported(shares[1]),
        overtaken=_find_overtaken_layer(by_layer),
        layers=layers,
        cells=rows,
    )


def _find_overtaken_layer(by_layer: Sequence[Sequence[float]]) -> int | None:
    """The layer from which on the answer's features, summed up to it, stay ahead; None if they never do."""
    ahead, since = 0.0, None
    for layer, (answer, wanted) in enumerate(by_layer):
        ahead += answer - wanted
        if ahead <= 0:
            since = None
        elif since is None:
            since = layer
    return since


def _record_search(claims: Sequence[Any], state: State, case: Case, found: SetSearch) -> SearchClaim:
    working = sum(row["margin"] > 0 for row in found.tried)
    text = (
        f"{found.sets} sets of features were tried. {len(found.tried)} of them are a fixed grid (the "
        f"features foreseen to help most, at the factors {_factors(found)}), of which {working} make the "
        f"model say {quote_token(case['foil'])}; the others leave out what can be spared."
    )
    return new_claim(
        claims,
        state["turn"],
        SearchClaim,
        text=text,
        verdict="observed",
        sets=found.sets,
        tried=[TriedSet(**round_reported(row)) for row in found.tried],
    )


def _factors(found: SetSearch) -> str:
    return join_words(
        [f"{f:g}".replace("-", "−") for f in dict.fromkeys(row["factor"] for row in found.tried)]
    )


def _register_set(
    claims: Sequence[Any], state: State, case: Case, contrast: Contrast, one: MinimalSet
) -> EffectClaim:
    how = Scaling(kind="ablate" if one.factor == 0 else "steer", factor=one.factor)
    (forecast,) = contrast.forecast([one.members], Intervention(how.kind, how.factor))
    what = "Removing" if one.factor == 0 else f"Scaling by {one.factor:g}"
    return new_claim(
        claims,
        state["turn"],
        EffectClaim,
        text=(
            f"{what} {len(one.members)} features changes logit({quote_token(case['answer'])}) − "
            f"logit({quote_token(case['foil'])}) by about {show_change(forecast.mean)} "
            "and makes the model say "
            f"{quote_token(case['foil'])}."
        ),
        intervention=how,
        repair=Repair(
            wanted=case["foil"],
            margin=round_reported(one.margin),
            without_one=None if one.without is None else round_reported(one.without),
        ),
        members=one.members,
        predicted=round_reported(forecast.mean),
        predicted_frozen=round_reported(forecast.frozen),
        predicted_exact=round_reported(forecast.exact),
        predicted_curved=round_reported(forecast.curved),
    )


def summarise_search(found: Sequence[PlainClaim]) -> str:
    """One line for the log; `found` is what was entered in the ledger."""
    sets = [claim for claim in read_claims(found) if isinstance(claim, EffectClaim)]
    sizes = [f"{len(one.members)} at factor {one.intervention.factor:g}" for one in sets]
    return f"smallest sets: {', '.join(sizes)}" if sizes else "no set of the grid makes the model say it"
