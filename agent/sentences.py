"""Sentences of an answer, each with the claims it rests on. Reads the state; checks nothing."""

from typing import Any

from agent.bases import basis_of, unexplained
from agent.errors import AgentError
from agent.experiments import without_effect
from agent.ledger import Sentence
from agent.state import Case, Claim, State, Supernode
from agent.swaps import JOINT, joint
from agent.tricks import HELD
from agent.words import chance, listed, percent, plain, quoted, signed

SETS = {"neurons", "features"}  # what a set is called that belongs to no group


class Unsupported(AgentError):
    """An answer was asked for, or written, that the ledger does not hold."""


def premise(state: State) -> list[Sentence]:
    """What was wrong or unclear about the question, first of all."""
    note = case_of(state)["note"]
    return [Sentence(note, (prediction_of(state)["id"],))] if note else []


def says(state: State, model: str) -> list[Sentence]:
    """What the model says, and what it is compared with."""
    case, claim = case_of(state), prediction_of(state)
    first = case["predictions"][0]
    return [
        Sentence(
            f"After {quoted(case['text'])} the most probable next token of {quoted(model)} is "
            f"{quoted(first['token'])} ({percent(first['p'])}); it is compared with "
            f"{quoted(case['foil'])} ({percent(case['foil_p'])}).",
            (claim["id"],),
        ),
        Sentence(
            f"The logit of {quoted(case['answer'])} lies {plain(case['value'])} above that of "
            f"{quoted(case['foil'])}: this is its lead.",
            (claim["id"],),
        ),
    ]


def in_short(state: State) -> list[Sentence]:
    """The strongest supported group for the answer, and the strongest against it."""
    case, out = case_of(state), []
    if unexplained(state.get("graph")):
        return _too_little(state)
    removed = [c for c in tests_of(state) if c["supernode"] and (c["intervention"] or {})["factor"] == 0]
    held = [c for c in removed if c["verdict"] in HELD]
    held.sort(key=lambda c: (c["measured"] or 0.0, c["id"]))
    if held and (held[0]["measured"] or 0.0) < 0:
        claim = held[0]
        group = subject_of(claim, state)
        out.append(
            Sentence(
                f"What carries {quoted(case['answer'])} most is {called(group, case)}: without it the lead "
                f"over {quoted(case['foil'])} changes by {signed(claim['measured'] or 0.0)}"
                f"{_flips(claim, case)}.",
                (claim["id"],),
            )
        )
    if held and (held[-1]["measured"] or 0.0) > 0:
        claim = held[-1]
        group = subject_of(claim, state)
        out.append(
            Sentence(
                f"What works most for {quoted(case['foil'])} is {called(group, case)}: without it that lead "
                f"changes by {signed(claim['measured'] or 0.0)}.",
                (claim["id"],),
            )
        )
    out += _instead_of_each_other(state)
    if removed and not held:
        ids = tuple(c["id"] for c in removed)
        out.append(Sentence("No group that was tested stands out from random ones.", ids))
    return out


def _too_little(state: State) -> list[Sentence]:
    """Why there is no story: the graph's errors hold too much."""
    graph, claim = state.get("graph") or {}, _graph_claim(state)
    if claim is None:
        return []
    return [
        Sentence(
            "This graph explains too little to say why: its replacement score is "
            f"{plain(graph['replacement'])} and {percent(graph['unexplored'])} of the influence ends in "
            f"{basis_of(state).errors}. No group of its features was tested.",
            (claim["id"],),
        ),
        Sentence(
            "A set of transcoders that is closer to this model may explain more; without transcoders "
            "the neurons themselves are traced.",
            (claim["id"],),
        ),
    ]


def _instead_of_each_other(state: State) -> list[Sentence]:
    """Groups that matter together and not one by one: each can do without the others."""
    tests = tests_of(state)
    still = {c["supernode"]: c["id"] for c in tests if without_effect(c)}
    looked = [c for c in state.get("claims", []) if c["kind"] == "joint" and c["turn"] == state["turn"]]
    out = []
    for claim in tests:
        parts = (claim["supernode"] or "").split(JOINT)
        if len(parts) < 2 or claim["verdict"] not in HELD or not all(part in still for part in parts):
            continue
        together = f"removing {'both' if len(parts) == 2 else 'all of them'} changes the lead by"
        words = (
            f"{listed(parts)} can stand in for each other: removing {'either' if len(parts) == 2 else 'one'} "
            f"alone changes little, {together} {signed(claim['measured'] or 0.0)}."
        )
        out.append(Sentence(words, (claim["id"], *(still[part] for part in parts))))
        out += [Sentence(f"How it was found: {c['text']}", (c["id"],)) for c in looked]
    return out


def _flips(claim: Claim, case: Case) -> str:
    says = claim["says"] or []
    if not says or says[0]["token"] == case["answer"]:
        return ""
    return f", and the model says {quoted(says[0]['token'])} ({percent(says[0]['p'])}) instead"


def called(group: Supernode, case: Case) -> str:
    """A group as a reader finds it in the picture."""
    if len(group["members"]) == 1:
        return f"the feature {group['id']}"
    if JOINT in group["id"]:
        return f"{listed(group['id'].split(JOINT))} together ({len(group['members'])} features)"
    if group["id"] in SETS:
        return f"a set of {group['name']}"
    where = f"at {quoted(case['tokens'][group['position']])}"
    first, last = group["layers"]
    layers = f"layer {first}" if first == last else f"layers {first} to {last}"
    return f"{group['id']} ({group['name']}: {len(group['members'])} features {where}, {layers})"


def tested(claim: Claim, group: Supernode, case: Case) -> Sentence:
    """One test: done, measured, predicted, controls, verdict."""
    how, controls = claim["intervention"] or {}, claim["controls"] or {}
    factor = how.get("factor", 0.0)
    if how.get("kind") == "swap":
        what = f"Giving {group['name']} their values from {quoted(how['donor']['text'])}"
    elif factor == 0:
        what = f"Removing {called(group, case)}"
    else:
        what = f"Scaling {called(group, case)} by {factor:g}".replace("by -", "by −")
    foil = how["donor"]["foil"] if how.get("kind") == "swap" else case["foil"]
    return Sentence(
        f"{what} changes the lead of {quoted(case['answer'])} over {quoted(foil)} by "
        f"{signed(claim['measured'] or 0.0)} (predicted {signed(claim['predicted'] or 0.0)}); "
        f"{controls['n']} matched random groups change it by at most {plain(controls['max_abs'])} "
        f"(p = {chance(claim['p'] or 0.0)}, after Holm {chance(claim['p_holm'] or 0.0)}): "
        f"{claim['verdict']}.",
        (claim["id"],),
    )


def knock_on(state: State) -> list[Sentence]:
    """The largest measured effect of one tested group on another."""
    best: tuple[float, Claim, dict[str, Any]] | None = None
    for claim in tests_of(state):
        for known in claim["knock_on"]:
            size = abs(known["measured"])
            if best is None or size > best[0]:
                best = size, claim, known
    if best is None or best[0] < 0.05:
        return []
    _, claim, known = best
    names = {g["id"]: g["name"] for g in state.get("groups") or []}
    return [
        Sentence(
            f"Without {claim['supernode']} the activation of {known['supernode']} "
            f"({names[known['supernode']]}) changes by {percent(known['measured'])} "
            f"(predicted {percent(known['predicted'])}).",
            (claim["id"],),
        )
    ]


def passed_over(state: State) -> list[Sentence]:
    """Groups of the picture that no test was about."""
    claim, tests = path_claim(state), tests_of(state)
    tested = {part for c in tests for part in (c["supernode"] or "").split(JOINT)}
    left = [g["id"] for g in state.get("groups") or [] if g["id"] not in tested]
    if claim is None or not tests or not left:
        return []
    return [Sentence(f"{listed(left)} {'was' if len(left) == 1 else 'were'} not tested.", (claim["id"],))]


def left_open(state: State) -> list[Sentence]:
    """What the graph leaves unexplained and the tests cannot say."""
    graph, claim = state.get("graph") or {}, _graph_claim(state)
    if claim is None:
        return []
    out = [
        Sentence(
            f"The graph's completeness is {plain(graph['completeness'])} and its replacement score "
            f"{plain(graph['replacement'])}; {percent(graph['unexplored'])} of the influence ends in "
            f"{basis_of(state).errors} and {percent(graph['bos'])} at the begin-of-text position.",
            (claim["id"],),
        )
    ]
    if missing := graph.get("layers_missing"):
        have = "layer of the model has" if missing == 1 else "layers of the model have"
        text = f"{missing} {have} no transcoder: what is written there counts as error."
        out.append(Sentence(text, (claim["id"],)))
    tests = tests_of(state)
    if tests:
        out.append(
            Sentence(
                "All of this is about one text: the tests have random controls, not a sample of texts.",
                tuple(c["id"] for c in tests),
            )
        )
    return out


def path_walked(state: State) -> list[Sentence]:
    """The strongest path in words."""
    case, path, claim = case_of(state), (state.get("flows") or {}).get("path", []), path_claim(state)
    if claim is None:
        return []
    if not path:
        return [Sentence("No path from a word to the answer stands out in the graph.", (claim["id"],))]
    names = {g["id"]: f"{g['id']} ({g['name']})" for g in state.get("groups") or []}
    steps = [_step(step, case, names) for step in path]
    through = f" through {', then '.join(steps[1:-1])}" if len(steps) > 2 else ""
    return [
        Sentence(
            f"The strongest path in the graph runs from {steps[0]}{through} to {steps[-1]}.",
            (claim["id"],),
        )
    ]


def _step(step: str, case: Case, names: dict[str, str]) -> str:
    if step == "LD":
        return f"the answer {quoted(case['answer'])}"
    if step.startswith("T"):
        return f"the word {quoted(case['tokens'][int(step[1:])])}"
    return names[step]


def does(group: Supernode, state: State) -> str:
    """What a group or a feature does, in words."""
    nodes = {n["id"]: n for n in (state.get("drawing") or {}).get("nodes", [])}
    if len(group["members"]) == 1:
        return str(nodes[group["members"][0]]["label"]) if group["members"][0] in nodes else group["name"]
    raises = listed([quoted(t) for t in group["raises"][:3]])
    lowers = listed([quoted(t) for t in group["lowers"][:3]])
    return f"together its features raise {raises} and lower {lowers} among the likeliest next tokens"


def case_of(state: State) -> Case:
    """The text being explained; raises Unsupported when there is none."""
    case = state.get("case")
    if case is None:
        raise Unsupported("There is no text to answer about.")
    return case


def tests_of(state: State) -> list[Claim]:
    """The tests run in this turn."""
    own = [c for c in state.get("claims", []) if c["turn"] == state["turn"]]
    return [c for c in own if c["kind"] == "effect" and c["p"] is not None]


def prediction_of(state: State) -> Claim:
    """The claim on what the model says."""
    return next(c for c in state.get("claims", []) if c["kind"] == "prediction")


def _graph_claim(state: State) -> Claim | None:
    return next((c for c in state.get("claims", []) if c["kind"] == "graph"), None)


def path_claim(state: State) -> Claim | None:
    """The claim on groups and their path."""
    return next((c for c in state.get("claims", []) if c["kind"] == "path"), None)


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
