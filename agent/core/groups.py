"""Which group a name, a claim or a part of the drawing means. The one resolver of groups."""

from collections.abc import Sequence
from typing import Any

from agent.core.claim_base import TestedClaim
from agent.core.claims import TriedClaim
from agent.core.errors import QuestionError
from agent.core.feature_terms import terms_of
from agent.core.ids import is_group, join_group_ids, position_of, split_group_ids
from agent.core.selectors import groups_of
from agent.core.state import Case, State, Supernode
from agent.core.text_format import find_word_positions, join_words, quote_token, quote_token_at, show_layers

FEATURE_SET_KIND = "set"  # the kind of features taken together that belong to no group


def find_groups(name: str, groups: Sequence[Supernode], tokens: Sequence[str], bos: bool) -> list[Supernode]:
    """The groups that a name means, strongest first; empty where it means none.

    By id or name; else those at the word of the text it is; else those with it as a word of their names; else
    those with it as a part of their names. Whoever asks about a word and whoever changes it gets the same.
    """
    wanted = name.strip().casefold()
    if not wanted:
        return []
    exact = [g for g in groups if wanted in (g["id"].casefold(), g["name"].casefold())]
    there = exact or find_groups_at(name, groups, tokens, bos)
    worded = there or [g for g in groups if wanted in _words(g["name"])]
    return worded or [g for g in groups if wanted in g["name"].casefold()]


def find_groups_at(
    name: str, groups: Sequence[Supernode], tokens: Sequence[str], bos: bool
) -> list[Supernode]:
    """The groups that sit at a word of the text, at a piece of it, or at a token of the drawing (T@5)."""
    pointed = position_of(name.strip()) if name.strip().startswith("T") else None
    places = {pointed} if pointed is not None else set(find_word_positions(tokens, name))
    return [g for g in groups if g["position"] in places and not (bos and g["position"] == 0)]


def find_meant_groups(name: str, state: State) -> list[Supernode]:
    """The same in a conversation: before there is a text or a picture, a name means nothing."""
    case = state.get("case")
    return find_groups(name, groups_of(state), case["tokens"], case["bos"]) if case else []


def find_group(name: str, state: State) -> Supernode:
    """The one group to be changed: what a name means, several groups (S1+S2), or features by their ids.

    Features are written L11.N1234+@5, several with commas. Raises QuestionError where there is none.
    """
    groups = groups_of(state)
    if (both := find_joint_group(split_group_ids(name.strip()), groups)) is not None:
        return both
    features = [_find_feature(each, state) for each in name.split(",")]
    if all(features):
        return _join_features([each for each in features if each is not None])
    if found := find_meant_groups(name, state):
        return found[0]
    known = ", ".join(f"{g['id']} ({g['name']})" for g in groups[:6])
    pointed = next((node for node in _nodes(state) if node["id"] == name.strip()), None)
    if pointed is not None and pointed["kind"] != "feature":
        what = (
            f"{quote_token(pointed['label'].strip())} is no group and no feature, and "
            "only those can be changed"
        )
        raise QuestionError(f"{what}. There are {known or 'none yet'}.")
    raise QuestionError(f"No group is called {quote_token(name)}. There are {known or 'none yet'}.")


def find_joint_group(names: Sequence[str], groups: Sequence[Supernode]) -> Supernode | None:
    """Several groups as one; None where they are fewer than two, or one of them is not there."""
    known = {group["id"]: group for group in groups}
    found = [known[name] for name in dict.fromkeys(names) if name in known]
    if len(found) < 2 or len(found) < len(names):
        return None
    effect = sum(part["effect"] for part in found)
    return Supernode(
        id=join_group_ids(names),
        name=f"{join_words([part['name'] for part in found])} together",
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


def make_feature_set(members: list[str], name: str, layers: tuple[int, int] = (0, 0)) -> Supernode:
    """Features taken together that belong to no group."""
    return Supernode(
        id="",
        name=name,
        kind=FEATURE_SET_KIND,
        sign=1,
        share=0.0,
        effect=0.0,
        position=position_of(members[0]) or 0,
        layers=list(layers),
        members=members,
        raises=[],
        lowers=[],
    )


def claim_group(claim: TestedClaim | TriedClaim, state: State) -> Supernode:
    """The group a claim is about."""
    groups = groups_of(state)
    for group in groups:
        if claim.groups == [group["id"]]:
            return group
    if (both := find_joint_group(claim.groups, groups)) is not None:
        return both
    size, units = len(claim.members), terms_of(state).units
    whole = make_feature_set(claim.members, f"{size} {units}")
    return {**whole, "id": claim.members[0]} if size == 1 else whole


def show_group(group: Supernode, case: Case) -> str:
    """A group as a reader finds it in the picture."""
    if len(group["members"]) == 1:
        return f"the feature {group['id']}"
    if is_several(group):
        parts = join_words(split_group_ids(group["id"]))
        return f"{parts} together ({len(group['members'])} features)"
    if group["kind"] == FEATURE_SET_KIND:
        return f"a set of {group['name']}"
    where = f"at {quote_token_at(case['tokens'], group['position'])}"
    size, layers = len(group["members"]), show_layers(*group["layers"])
    return f"{group['id']} ({group['name']}: {size} features {where}, {layers})"


def is_several(group: Supernode) -> bool:
    """Whether it is several groups at once."""
    return is_group(group["id"]) and len(split_group_ids(group["id"])) > 1


def _join_features(features: list[Supernode]) -> Supernode:
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


def _find_feature(name: str, state: State) -> Supernode | None:
    """A single feature of the picture as a group of one."""
    node = next((n for n in _nodes(state) if n["kind"] == "feature" and n["id"] == name.strip()), None)
    if node is None:
        return None
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


def _nodes(state: State) -> list[dict[str, Any]]:
    return list((state.get("drawing") or {}).get("nodes", []))


def _words(name: str) -> list[str]:
    return [word.strip("“”,. ").casefold() for word in name.split()]
