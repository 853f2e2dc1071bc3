"""Which group a name, a claim or a part of the drawing means. The one resolver of groups."""

from collections.abc import Sequence

from agent.core.errors import QuestionError
from agent.core.feature_terms import basis_of
from agent.core.state import Case, Claim, State, Supernode
from agent.core.text_format import layered, listed, placed, quoted

JOINT = "+"  # S1+S2 is both groups at once
SETS = {"neurons", "features"}  # what a set is called that belongs to no group


def joint(name: str, groups: Sequence[Supernode]) -> Supernode | None:
    """The groups of a name like S1+S2 as one; None for any other name."""
    known = {group["id"]: group for group in groups}
    parts = name.split(JOINT)
    found = [known[part] for part in dict.fromkeys(parts) if part in known]
    if len(found) < 2 or len(found) < len(parts):
        return None
    effect = sum(part["effect"] for part in found)
    return Supernode(
        id=name,
        name=f"{listed([part['name'] for part in found])} together",
        kind="middle",
        sign=1 if effect > 0 else -1,
        share=sum(part["share"] for part in found),
        effect=effect,
        position=min(part["position"] for part in found),
        layers=[min(part["layers"][0] for part in found), max(part["layers"][1] for part in found)],
        members=[member for part in found for member in part["members"]],
        raises=[],
        lowers=[],
    )


def named_group(name: str, state: State) -> Supernode:
    """What a question means: S2, S1+S2, its name, a word in it, or L11.N1234+@5 (several: with commas)."""
    groups = state.get("groups") or []
    if (both := joint(name, groups)) is not None:
        return both
    wanted = name.strip().casefold()
    for group in groups:
        if wanted in (group["id"].casefold(), group["name"].casefold()):
            return group
    pointed = next(
        (n for n in (state.get("drawing") or {}).get("nodes", []) if n["id"] == name.strip()), None
    )
    if pointed is not None and pointed["kind"] == "token":  # what stands there for it is a group on it
        there = [group for group in groups if group["position"] == pointed["position"]]
        if there:
            return there[0]
    features = [_feature(each, state) for each in name.split(",")]
    if all(features):
        return _joined([each for each in features if each is not None])
    matching = [g for g in groups if wanted and wanted in g["name"].casefold()]
    if matching:
        return matching[0]
    known = ", ".join(f"{g['id']} ({g['name']})" for g in groups[:6])
    if pointed is not None and pointed["kind"] != "feature":
        what = f"{quoted(pointed['label'].strip())} is no group and no feature, and only those can be changed"
        raise QuestionError(f"{what}. There are {known or 'none yet'}.")
    raise QuestionError(f"No group is called {quoted(name)}. There are {known or 'none yet'}.")


def _joined(features: list[Supernode]) -> Supernode:
    """Several features as one group."""
    if len(features) == 1:
        return features[0]
    layers = [feature["layers"][0] for feature in features]
    effect = sum(feature["effect"] for feature in features)
    return Supernode(
        id=", ".join(feature["id"] for feature in features),
        name=f"{len(features)} features",
        kind="middle",
        sign=1 if effect > 0 else -1,
        share=0.0,
        effect=effect,
        position=max(feature["position"] for feature in features),
        layers=[min(layers), max(layers)],
        members=[feature["id"] for feature in features],
        raises=[],
        lowers=[],
    )


def _feature(name: str, state: State) -> Supernode | None:
    """A single feature of the picture as a group of one."""
    nodes = (state.get("drawing") or {}).get("nodes", [])
    for node in nodes:
        if node["kind"] == "feature" and node["id"] == name.strip():
            return Supernode(
                id=node["id"],
                name=node["label"],
                kind=node["role"],
                sign=1 if node["effect"] > 0 else -1,
                share=0.0,
                effect=node["effect"],
                position=node["position"],
                layers=[node["layer"], node["layer"]],
                members=[node["id"]],
                raises=[],
                lowers=[],
            )
    return None


def subject_of(claim: Claim, state: State) -> Supernode:
    """The group a claim is about."""
    groups = state.get("groups") or []
    for group in groups:
        if group["id"] == claim["supernode"]:
            return group
    if (both := joint(claim["supernode"] or "", groups)) is not None:
        return both
    single = len(claim["members"]) == 1
    return Supernode(
        id=claim["members"][0] if single else basis_of(state).units,
        name=f"{len(claim['members'])} {basis_of(state).units}",
        kind="input",
        sign=1,
        share=0.0,
        effect=0.0,
        position=int(claim["members"][0].split("@")[1]),
        layers=[0, 0],
        members=claim["members"],
        raises=[],
        lowers=[],
    )


def called(group: Supernode, case: Case) -> str:
    """A group as a reader finds it in the picture."""
    if len(group["members"]) == 1:
        return f"the feature {group['id']}"
    if JOINT in group["id"]:
        return f"{listed(group['id'].split(JOINT))} together ({len(group['members'])} features)"
    if group["id"] in SETS:
        return f"a set of {group['name']}"
    where = f"at {placed(case['tokens'], group['position'])}"
    size, layers = len(group["members"]), layered(*group["layers"])
    return f"{group['id']} ({group['name']}: {size} features {where}, {layers})"
