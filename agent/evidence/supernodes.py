"""Supernodes: which features belong together, always the same way, and what to call them. Plain data only.

Grouping follows what was validated on real prompts (ARCHITECTURE.md): the features with the largest total
effect, split by position, by depth (three bands of layers) and by the sign of their effect.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import fsum
from typing import Any

from agent.core import Case, Supernode, quote_token, quote_token_at, show_layers

MAX_GROUPED_FEATURES = 150  # features that are grouped at all
SMALLEST, LARGEST = 4, 20
WEIGHTY = 0.05  # share of all |effect| with which fewer features are a group too
NEGLIGIBLE = 0.03  # influence beside the strongest member's, below which a feature is no member
BANDS = 3

Feature = dict[str, Any]
Raised = Callable[[Sequence[str]], tuple[list[str], list[str]]]


def group_features(features: Sequence[Feature], case: Case, layers: int, raised: Raised) -> list[Supernode]:
    """Supernodes, strongest total effect first. Same input, same groups; what does not fit is left out."""
    strongest = sorted(features, key=lambda f: (-abs(f["effect"]), f["id"]))[:MAX_GROUPED_FEATURES]
    cells: dict[tuple[int, int, bool], list[Feature]] = defaultdict(list)
    for feature in strongest:  # strongest first, so a cell's first members are its strongest
        band = feature["layer"] * BANDS // layers
        cells[feature["position"], band, feature["effect"] > 0].append(feature)
    whole = fsum(abs(f["effect"]) for f in features) or 1.0
    kept = [
        members[:LARGEST]
        for members in map(_drop_weak_members, cells.values())
        if len(members) >= SMALLEST or fsum(abs(f["effect"]) for f in members) >= WEIGHTY * whole
    ]
    kept.sort(key=lambda members: (-abs(sum(f["effect"] for f in members)), members[0]["id"]))
    groups = [_supernode(f"S{i}", members, whole, case, raised) for i, members in enumerate(kept, 1)]
    return _disambiguate_names(groups, case, layers)


def _drop_weak_members(members: list[Feature]) -> list[Feature]:
    """The members without those that carry next to nothing beside the strongest."""
    most = max(f["influence"] for f in members)
    return [f for f in members if f["influence"] >= NEGLIGIBLE * most]


def split_groups(
    groups: Sequence[Supernode],
    halves: dict[str, tuple[list[str], list[str]]],
    features: dict[str, Feature],
    case: Case,
    layers: int,
    raised: Raised,
) -> list[Supernode]:
    """The groups with some parted in two, numbered anew; a part that is too small is left out."""
    whole = fsum(abs(f["effect"]) for f in features.values()) or 1.0
    parts = [
        part for one in groups for part in halves.get(one["id"], (one["members"],)) if len(part) >= SMALLEST
    ]
    kept = [[features[name] for name in part] for part in parts]
    kept.sort(key=lambda members: (-abs(sum(f["effect"] for f in members)), members[0]["id"]))
    return _disambiguate_names(
        [_supernode(f"S{i}", members, whole, case, raised) for i, members in enumerate(kept, 1)],
        case,
        layers,
    )


def _supernode(name: str, members: list[Feature], whole: float, case: Case, raised: Raised) -> Supernode:
    ids = [f["id"] for f in members]
    up, down = raised(ids)
    kind = _kind(members)
    effect = fsum(f["effect"] for f in members)
    out = Supernode(
        id=name,
        name="",
        kind=kind,
        sign=1 if effect > 0 else -1,
        share=fsum(abs(f["effect"]) for f in members) / whole,
        effect=effect,
        position=members[0]["position"],
        layers=[min(f["layer"] for f in members), max(f["layer"] for f in members)],
        members=ids,
        raises=up,
        lowers=down,
    )
    out["name"] = _name(out, case)
    return out


def _kind(members: list[Feature]) -> str:
    """The role that carries most of the group's effect."""
    weight: dict[str, float] = defaultdict(float)
    for feature in members:
        weight[feature["role"]] += abs(feature["effect"])
    return max(weight, key=lambda role: (weight[role], role))


def _name(group: Supernode, case: Case) -> str:
    where = quote_token_at(case["tokens"], group["position"])
    answer, foil = case["answer"], case["foil"]
    favoured, other = (answer, foil) if group["sign"] > 0 else (foil, answer)
    if group["kind"] == "say":
        if favoured in group["raises"]:
            return f"say {quote_token(favoured)}"
        if other in group["lowers"]:
            return f"against {quote_token(other)}"
        return f"say {quote_token(group['raises'][0])} …, for {quote_token(favoured)}"
    if group["kind"] == "input":
        return f"read {where}, for {quote_token(favoured)}"
    return f"at {where}, for {quote_token(favoured)}"


def _depth(group: Supernode, layers: int) -> str:
    """Which third of the model a group lies in."""
    return ("early", "middle", "late")[group["layers"][0] * BANDS // layers]


def _disambiguate_names(groups: list[Supernode], case: Case, layers: int) -> list[Supernode]:
    """Names told apart by depth, or by place, or by both, or at last by id, where groups would share one."""
    same: dict[str, list[Supernode]] = defaultdict(list)
    for one in groups:
        same[one["name"]].append(one)
    for namesakes in same.values():
        if len(namesakes) == 1:
            continue
        depth = [_depth(g, layers) for g in namesakes]
        place = [f"at {quote_token_at(case['tokens'], g['position'])}" for g in namesakes]
        both = [f"{d} {p}" for d, p in zip(depth, place, strict=True)]
        layer = [show_layers(*g["layers"]) for g in namesakes]
        ids = [g["id"] for g in namesakes]
        notes = next(n for n in (depth, place, both, layer, ids) if len(set(n)) == len(n))
        for one, note in zip(namesakes, notes, strict=True):
            one["name"] = f"{one['name']}, {note}"
    return groups


def find_strongest_path(flows: dict[str, Any], groups: Sequence[Supernode]) -> list[str]:
    """The chain token -> supernodes -> LD with the largest product of shares of flow, strongest at each step.

    `flows` holds between[target][source], from_token[target][position] and direct[group], all as effects on
    the root; only flows with the sign of the target's own effect count, and only upwards in layer order.
    Through groups that work for the answer, where there is such a path; else through any.
    """
    for_answer = {i for i, group in enumerate(groups) if group["sign"] > 0}
    return _strongest(flows, groups, for_answer) or _strongest(flows, groups, set(range(len(groups))))


def _strongest(flows: dict[str, Any], groups: Sequence[Supernode], among: set[int]) -> list[str]:
    order = sorted(among, key=lambda i: (groups[i]["layers"][0], i))
    best: dict[int, tuple[float, list[str]]] = {}
    for target in order:
        total = sum(abs(x) for x in flows["between"][target]) + sum(map(abs, flows["from_token"][target]))
        if not total:
            continue
        sign = groups[target]["sign"]
        options = [
            (abs(weight) / total, [f"T{position}"])
            for position, weight in enumerate(flows["from_token"][target])
            if weight * sign > 0
        ]
        for source in order:
            weight = flows["between"][target][source]
            if source in best and weight * sign > 0 and source != target:
                share, path = best[source]
                options.append((share * abs(weight) / total, path))
        if options:
            share, path = max(options, key=lambda option: (option[0], option[1]))
            best[target] = share, [*path, groups[target]["id"]]
    whole = sum(map(abs, flows["direct"])) or 1.0
    ends = [
        (share * flows["direct"][i] / whole, [*path, "LD"])
        for i, (share, path) in best.items()
        if flows["direct"][i] > 0
    ]
    return max(ends, key=lambda end: (end[0], end[1]))[1] if ends else []
