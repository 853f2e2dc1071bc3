"""Which attention heads a connection of the picture passes: found by the tracer, said with their numbers.

Nothing here is a test: what is said is read from the graph, and its claims say so.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from agent.core import (
    Case,
    HeadsClaim,
    HeadShare,
    PlainClaim,
    State,
    Supernode,
    case_of,
    find_meant_groups,
    groups_of,
    join_words,
    own_claims,
    path_claim,
    path_of,
    percent,
    plain_claim,
    quote_token,
    quote_token_at,
    round_reported,
    show_change,
    token_at,
)
from agent.evidence import Sentence, new_claim

STRONGEST = 10  # connections of the picture that are split at once
MAX_NAMED_HEADS = 3  # heads that are named
MAX_CONNECTIONS = 12  # of which those that move something between words are named first
WORTH_NAMING = 0.05  # of a connection
LAST_POSITION_NAMES = (
    "last token",
    "last word",
    "last position",
    "final token",
    "final word",
    "final position",
    "end",
)
ANSWER_NAMES = ("answer", "output", "prediction", "logit", "logits", "result", "next token", "next word")

Pair = tuple[Sequence[str], Sequence[str]]
Split = Callable[[Sequence[Pair], int], Sequence[Any]]  # TracedStudy.heads


class ConnectionEnd(NamedTuple):
    """One end of a connection: how it is called, and the nodes it is as a source and as a target."""

    name: str
    sources: list[str]
    targets: list[str]


def find_drawn_heads(flows: dict[str, Any], groups: Sequence[Supernode], split: Split) -> dict[str, Any]:
    """The heads of the strongest connections and of the strongest path, by "source>target"."""
    size = {
        (source["id"], target["id"]): abs(flows["between"][i][j])
        for i, target in enumerate(groups)
        for j, source in enumerate(groups)
        if i != j
    }
    for i, group in enumerate(groups):
        size |= {(f"T{p}", group["id"]): abs(weight) for p, weight in enumerate(flows["from_token"][i])}
        size[group["id"], "LD"] = abs(flows["direct"][i])
    strongest = sorted((pair for pair in size if size[pair]), key=lambda pair: (-size[pair], pair))
    path = flows.get("path", [])
    wanted = list(dict.fromkeys([*pairwise(path), *strongest]))
    wanted = wanted[: max(STRONGEST, len(path) - 1)]
    members = {group["id"]: group["members"] for group in groups}
    found = split([(_nodes(s, members), _nodes(t, members)) for s, t in wanted], MAX_NAMED_HEADS)
    return {f"{s}>{t}": _to_json(one) for (s, t), one in zip(wanted, found, strict=True)}


def _nodes(name: str, members: dict[str, list[str]]) -> list[str]:
    if name == "LD":
        return ["LD"]
    return members[name] if name in members else [f"T@{name[1:]}"]


def _to_json(found: Any) -> dict[str, Any]:
    """A tracer's finding as JSON."""
    heads = [
        {
            "layer": head.layer,
            "head": head.head,
            "share": head.share,
            "source": head.moves[0].source if head.moves else None,
            "target": head.moves[0].target if head.moves else None,
        }
        for head in found.heads
    ]
    return {"total": round_reported(found.total), "heads": round_reported(heads)}


def add_head_claims(state: State, traced: Callable[[], Split]) -> list[PlainClaim]:
    """New claims on the heads of the connection the question names, or of the strongest path's steps.

    The trace is only looked at (`traced`) where the picture's own connections do not hold the answer.
    """
    known = (state.get("flows") or {}).get("heads") or {}
    asked = find_asked_ends(state)
    if asked is not None:
        start, end = asked
        if not start.sources or not end.targets:
            return []
        heads = _to_json(traced()([(start.sources, end.targets)], MAX_CONNECTIONS)[0])
        found = [(start, end, {**heads, "heads": _sort_moving_first(heads["heads"])})]
    else:
        path = path_of(state)
        steps = [(s, t) for s, t in pairwise(path) if f"{s}>{t}" in known]
        found = [(_step(s, state), _step(t, state), known[f"{s}>{t}"]) for s, t in steps]
        found = [one for one in found if _worth_naming(one[2]["heads"])]
    claims = list[HeadsClaim]()
    for start, end, heads in found:
        claims.append(_claim([*state.get("claims", []), *claims], state, start, end, heads))
    return [plain_claim(claim) for claim in claims]


def _worth_naming(heads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [head for head in heads if abs(head["share"]) >= WORTH_NAMING]


def _sort_moving_first(heads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A head that takes something to another word says more than one that reads it where it is."""
    return sorted(_worth_naming(heads), key=lambda head: head["source"] == head["target"])[:MAX_NAMED_HEADS]


def _claim(
    claims: Sequence[Any], state: State, start: ConnectionEnd, end: ConnectionEnd, found: dict[str, Any]
) -> HeadsClaim:
    case, heads = case_of(state), _worth_naming(found["heads"])
    return new_claim(
        claims,
        state["turn"],
        HeadsClaim,
        text=_write_heads(start.name, end.name, found["total"], heads, case),
        total=found["total"],
        heads=[HeadShare(layer=h["layer"], head=h["head"], share=h["share"]) for h in heads],
    )


def _write_heads(start: str, end: str, total: float, heads: list[dict[str, Any]], case: Case) -> str:
    what = (
        f"What goes directly from {start} to {end} ({show_change(total)} of "
        f"logit({quote_token(case['answer'])}) − "
        f"logit({quote_token(case['foil'])}))"
    )
    if not heads:
        return f"{what} passes no single attention head for a large part: read from the graph, not tested."
    named = [
        f"{head['layer']}.{head['head']} ({percent(head['share'])}, from "
        f"{quote_token(token_at(case['tokens'], head['source']))} to "
        f"{quote_token(token_at(case['tokens'], head['target']))})"
        for head in heads
    ]
    through = f"head{'s' * (len(named) > 1)} {join_words(named)}"
    several = " A part may pass several heads, so shares need not add up." if len(named) > 1 else ""
    return f"{what} passes through {through} (layer.head): read from the graph, not tested.{several}"


def write_heads(state: State) -> list[Sentence]:
    """What this turn's claims say on heads; a question for ends that are not there is told so."""
    path, own = path_claim(state), own_claims(state, HeadsClaim)
    out = [Sentence(c.text, (c.id, *([path.id] if path else []))) for c in own]
    if path is None:
        return out
    question, asked = state["question"], find_asked_ends(state)
    missing = [name for name in (question["group"], question["other"]) if name and not _find_end(name, state)]
    if missing:
        names = join_words([quote_token(name) for name in missing])
        return [Sentence(f"No word and no group here is called {names}.", (path.id,)), *out]
    if asked is not None and not out:
        names = f"from {asked[0].name} to {asked[1].name}"
        return [Sentence(f"The graph has no direct way {names}.", (path.id,))]
    return out


def find_asked_ends(state: State) -> tuple[ConnectionEnd, ConnectionEnd] | None:
    """The two ends a question names; the answer where it names only where to start."""
    question = state["question"]
    if not question["group"]:
        return None
    start, end = _find_end(question["group"], state), _find_end(question["other"] or "answer", state)
    if start is None or end is None:
        return None
    word = start.sources[:1] and start.sources[0].startswith("T@")
    if word and end.targets == ["LD"]:  # a word reaches the answer by what reads it at the last word, too
        last = _find_word_end(len(case_of(state)["tokens"]) - 1, state)
        if start.name != last.name:
            return start, ConnectionEnd(f"{last.name}, the last, and the answer", [], last.targets)
    return start, end


def _find_end(name: str, state: State) -> ConnectionEnd | None:
    """What a question calls by this name: a group, a feature, the answer, the last word, a word, a group."""
    case, wanted = case_of(state), name.strip().casefold().removeprefix("the ").strip()
    groups = groups_of(state)
    if any(wanted in (group["id"].casefold(), group["name"].casefold()) for group in groups):
        return _step(find_meant_groups(wanted, state)[0]["id"], state)
    members = {m.casefold(): m for group in groups for m in group["members"]}
    if wanted in members:
        return ConnectionEnd(f"the feature {members[wanted]}", [members[wanted]], [members[wanted]])
    if wanted in ANSWER_NAMES or wanted == case["answer"].strip().casefold():
        return _step("LD", state)
    if wanted in LAST_POSITION_NAMES:
        return _find_word_end(len(case["tokens"]) - 1, state)
    for position, token in enumerate(case["tokens"]):
        named = wanted and token.strip().casefold() == wanted and not (case["bos"] and position == 0)
        if named or name.strip() == f"T@{position}":
            return _find_word_end(position, state)
    found = find_meant_groups(wanted, state)
    return _step(found[0]["id"], state) if found else None


def _find_word_end(position: int, state: State) -> ConnectionEnd:
    """A word: itself and the groups at its place, and, at the last one, the answer."""
    case = case_of(state)
    members = [m for g in groups_of(state) if g["position"] == position for m in g["members"]]
    last = position == len(case["tokens"]) - 1
    name = f"the word {quote_token_at(case['tokens'], position)}"
    return ConnectionEnd(name, [f"T@{position}", *members], [*members, *(["LD"] if last else [])])


def _step(step: str, state: State) -> ConnectionEnd:
    """A stop of a path."""
    case = case_of(state)
    if step == "LD":
        return ConnectionEnd(f"the answer {quote_token(case['answer'])}", [], ["LD"])
    for group in groups_of(state):
        if group["id"] == step:
            return ConnectionEnd(f"{step} ({group['name']})", group["members"], group["members"])
    return ConnectionEnd(f"the word {quote_token_at(case['tokens'], int(step[1:]))}", [f"T@{step[1:]}"], [])
