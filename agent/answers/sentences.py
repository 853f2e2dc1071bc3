"""Sentences of an answer, each with the claims it rests on. Reads the state; checks nothing."""

from agent.core import (
    SET,
    Case,
    EffectClaim,
    JointClaim,
    State,
    Supernode,
    Swap,
    basis_of,
    called,
    case_of,
    chance,
    graph_claim,
    groups_of,
    is_several,
    listed,
    own_claims,
    path_claim,
    percent,
    placed,
    plain,
    prediction_of,
    quoted,
    risen,
    signed,
    subject_of,
    tests_of,
    unexplained,
)
from agent.evidence import HELD, Sentence, without_effect
from agent.planners import too_little

FEW = 3  # words that are named
KNOCKED = 0.05  # share of its activation that another group must lose or gain to be told of


def premise(state: State) -> list[Sentence]:
    """What was wrong or unclear about the question, first of all."""
    note = case_of(state)["note"]
    return [Sentence(note, (prediction_of(state).id,))] if note else []


def says(state: State, model: str) -> list[Sentence]:
    """What the model says, and what it is compared with."""
    case, claim = case_of(state), prediction_of(state)
    first = case["predictions"][0]
    beside = {"kind": ", the likeliest other of its kind", "runner-up": ", which comes second"}
    why = beside.get(case.get("foil_rule", ""), "")
    return [
        Sentence(
            f"After {quoted(case['text'])} {quoted(model)} says {_bare(first['token'])} "
            f"({percent(first['p'])}). It is compared with {_bare(case['foil'])} "
            f"({percent(case['foil_p'])}){why}.",
            (claim.id,),
        ),
    ]


def lead_explained(state: State) -> Sentence:
    """What the tests of groups are about."""
    case, claim = case_of(state), prediction_of(state)
    return Sentence(
        f"The logit of {quoted(case['answer'])} lies {plain(case['value'])} above that of "
        f"{quoted(case['foil'])}: this is its lead, which is what these tests are about.",
        (claim.id,),
    )


def _bare(token: str) -> str:
    """A token as a word, without the space it begins with."""
    return quoted(token.strip() or token)


def in_short(state: State) -> list[Sentence]:
    """The strongest group for the answer, the strongest at an earlier word and against it, what failed."""
    out: list[Sentence] = []
    if unexplained(state.get("graph")):
        return _too_little(state)
    removed = [c for c in tests_of(state) if c.groups and c.removes]
    held = [c for c in removed if c.verdict in HELD]
    held.sort(key=lambda c: (c.effect, c.id))
    out += _carried(held, state)
    if held and held[-1].effect > 0:
        claim, case = held[-1], case_of(state)
        group = short(subject_of(claim, state), case)
        out.append(
            Sentence(
                f"What works most for {quoted(case['foil'])} is {group}: without it that lead changes by "
                f"{signed(claim.effect)}{_partly(claim)}.",
                (claim.id,),
            )
        )
    out += _instead_of_each_other(state) or _not_borne_out(removed, state)
    if removed and not held:
        ids = tuple(c.id for c in removed)
        out.append(Sentence("No group that was tested stands out from random ones.", ids))
    return out or _nothing_tested(state)


def _nothing_tested(state: State) -> list[Sentence]:
    """Why a why has no test: the graph explains too little, or nothing in it belongs together."""
    claim = graph_claim(state)
    if claim is None or tests_of(state):
        return []
    if too_little(state):
        score = plain((state.get("graph") or {})["completeness"])
        text = f"Nothing was tested: the graph explains too little (completeness {score})."
        return [Sentence(text, (claim.id,))]
    if not groups_of(state):
        text = "Nothing was tested: no neurons of this graph act the same way at one word."
        return [Sentence(text, (claim.id,))]
    return []


def _carried(held: list[EffectClaim], state: State) -> list[Sentence]:
    """The strongest group for the answer, and the strongest at an earlier word; `held` the lowest first."""
    case, out = case_of(state), []
    for_answer = [c for c in held if c.effect < 0]
    if not for_answer:
        return []
    first, last = for_answer[0], len(case["tokens"]) - 1
    group = subject_of(first, state)
    out.append(
        Sentence(
            f"What carries {quoted(case['answer'])} most is {short(group, case)}: without it the lead over "
            f"{quoted(case['foil'])} changes by {signed(first.effect)}{_partly(first)}"
            f"{_says_then(first, case)}.",
            (first.id,),
        )
    )
    earlier = [c for c in for_answer[1:] if len(c.groups) == 1]
    earlier = [c for c in earlier if subject_of(c, state)["position"] < last]
    if group["position"] == last and earlier:
        claim = earlier[0]
        there = subject_of(claim, state)
        out.append(
            Sentence(
                f"Of what is tested at earlier words, {short(there, case)}{_place(there, case)} counts most: "
                "without it the lead changes by "
                f"{signed(claim.effect)}{_partly(claim)}{_says_then(claim, case)}.",
                (claim.id,),
            )
        )
    return out


def _place(group: Supernode, case: Case) -> str:
    """The word a group sits at, where its name does not say it."""
    word = placed(case["tokens"], group["position"])
    return "" if word in group["name"] else f" at {word}"


def _partly(claim: EffectClaim) -> str:
    """What a verdict that is less than supported leaves to be said."""
    return " (partly: its size or its doses are not as predicted)" if claim.verdict == "partly" else ""


def _not_borne_out(removed: list[EffectClaim], state: State) -> list[Sentence]:
    """The main hypothesis, where its test does not bear it out, and every other one that is refuted."""
    failed = [c for c in removed[:1] if c.verdict not in HELD]
    failed += [c for c in removed if c.verdict == "refuted" and c not in failed]
    return [_failed(c, state, first=c is removed[0]) for c in failed]


def _failed(claim: EffectClaim, state: State, *, first: bool) -> Sentence:
    what = f"The {'first ' if first else ''}hypothesis on {short(subject_of(claim, state), case_of(state))}"
    foreseen, found = signed(claim.predicted or 0.0), signed(claim.effect)
    text = f"{what} is {claim.verdict}: removing it was predicted to change the lead by {foreseen}"
    return Sentence(f"{text} and changes it by {found}.", (claim.id,))


def _too_little(state: State) -> list[Sentence]:
    """Why there is no story: the graph's errors hold too much."""
    graph, claim = state.get("graph") or {}, graph_claim(state)
    if claim is None:
        return []
    return [
        Sentence(
            "This graph explains too little to say why: its replacement score is "
            f"{plain(graph['replacement'])} and {percent(graph['unexplored'])} of the influence ends in "
            f"{basis_of(state).errors}. No group of its features was tested.",
            (claim.id,),
        ),
        Sentence(
            "A set of transcoders that is closer to this model may explain more; without transcoders "
            "the neurons themselves are traced.",
            (claim.id,),
        ),
    ]


def _instead_of_each_other(state: State) -> list[Sentence]:
    """Groups that matter together and not one by one: each can do without the others."""
    tests = tests_of(state)
    still = {c.name: c.id for c in tests if without_effect(c)}
    looked = own_claims(state, JointClaim)
    out = []
    for claim in tests:
        parts = claim.groups
        if len(parts) < 2 or claim.verdict not in HELD or not all(part in still for part in parts):
            continue
        together = f"removing {'both' if len(parts) == 2 else 'all of them'} changes the lead by"
        words = (
            f"{listed(parts)} can stand in for each other: removing {'either' if len(parts) == 2 else 'one'} "
            f"alone changes little, {together} {signed(claim.effect)}."
        )
        out.append(Sentence(words, (claim.id, *(still[part] for part in parts))))
        out += [Sentence(f"How it was found: {c.text}", (c.id,)) for c in looked]
    return out


def _says_then(claim: EffectClaim, case: Case) -> str:
    """What the model says under an intervention: something else, or still the same."""
    says = claim.says or []
    if not says:
        return ""
    then = f"{quoted(says[0].token)} ({percent(says[0].p)})"
    return f", and the model {'still says' if says[0].token == case['answer'] else 'then says'} {then}"


def short(group: Supernode, case: Case) -> str:
    """A group by id and name, for where `called` stands elsewhere in the answer."""
    if len(group["members"]) == 1 or is_several(group) or group["kind"] == SET:
        return called(group, case)
    return f"{group['id']} ({group['name']})"


def tested(claim: EffectClaim, group: Supernode, case: Case) -> Sentence:
    """One test: done, measured, predicted, controls, verdict."""
    how, controls, foil = claim.intervention, claim.controls, case["foil"]
    assert controls is not None
    if isinstance(how, Swap):
        words = list(dict.fromkeys(quoted(word) for word in how.donor.replaced))
        where = f" at {listed(words)}" if len(words) <= FEW else ""
        what = f"Giving {group['name']}{where} their values from {quoted(how.donor.text)}"
        foil = how.donor.foil
    elif how.factor == 0:
        what = f"Removing {called(group, case)}"
    else:
        what = f"Scaling {called(group, case)} by {how.factor:g}".replace("by -", "by −")
    return Sentence(
        f"{what} changes the lead of {quoted(case['answer'])} over {quoted(foil)} by "
        f"{signed(claim.effect)} (predicted {signed(claim.predicted or 0.0)}); "
        f"{_beside_controls(claim)} (p = {chance(claim.p or 0.0)}, "
        f"after Holm {chance(claim.p_holm or 0.0)}): {claim.verdict}.",
        (claim.id,),
    )


def _beside_controls(claim: EffectClaim) -> str:
    """What random groups do: those as active, with how well they match, and those that write as much."""
    controls, equal = claim.controls, claim.norm_controls
    assert controls is not None
    if equal is None:
        return f"{controls.n} matched random groups change it by at most {plain(controls.max_abs)}"
    alike = "" if controls.matched >= 1 else f", {percent(controls.matched)} of its members matched"
    said = f"{controls.n} random groups as active{alike} change it by at most {plain(controls.max_abs)}"
    return f"{said}, {equal.n} that write as much by at most {plain(equal.max_abs)}"


def knock_on(state: State) -> list[Sentence]:
    """The largest measured effect of one tested group on another."""
    moved = [(claim, known) for claim in tests_of(state) for known in claim.knock_on]
    if not moved:
        return []
    claim, known = max(moved, key=lambda one: abs(one[1].measured))  # the first of equals
    if abs(known.measured) < KNOCKED:
        return []
    names = {g["id"]: g["name"] for g in groups_of(state)}
    without = listed(claim.groups) if claim.groups else called(subject_of(claim, state), case_of(state))
    return [
        Sentence(
            f"Without {without} the activation of {known.supernode} ({names[known.supernode]}) "
            f"changes by {risen(known.measured)} (predicted {risen(known.predicted)}).",
            (claim.id,),
        )
    ]


def passed_over(state: State) -> list[Sentence]:
    """Groups of the picture that no test was about."""
    claim, tests = path_claim(state), tests_of(state)
    tested = {group for c in tests for group in c.groups}
    left = [g["id"] for g in groups_of(state) if g["id"] not in tested]
    if claim is None or not tests or not left:
        return []
    return [Sentence(f"{listed(left)} {'was' if len(left) == 1 else 'were'} not tested.", (claim.id,))]


def left_open(state: State) -> list[Sentence]:
    """What the graph leaves unexplained and the tests cannot say."""
    graph, claim = state.get("graph") or {}, graph_claim(state)
    if claim is None:
        return []
    out = [
        Sentence(
            f"The graph is a partial account: {percent(graph['unexplored'])} of the influence on the answer "
            f"ends in {basis_of(state).errors} and {percent(graph['bos'])} at the begin-of-text position "
            f"(completeness {plain(graph['completeness'])}, "
            f"replacement score {plain(graph['replacement'])}).",
            (claim.id,),
        )
    ]
    if missing := graph.get("layers_missing"):
        have = "layer of the model has" if missing == 1 else "layers of the model have"
        text = f"{missing} {have} no transcoder: what is written there counts as error."
        out.append(Sentence(text, (claim.id,)))
    tests = tests_of(state)
    if tests:
        out.append(
            Sentence(
                "All of this is about one text: the tests have random controls, not a sample of texts.",
                tuple(c.id for c in tests),
            )
        )
    return out


def does(group: Supernode, state: State) -> str:
    """What a group or a feature does, in words."""
    nodes = {n["id"]: n for n in (state.get("drawing") or {}).get("nodes", [])}
    if len(group["members"]) == 1:
        return str(nodes[group["members"][0]]["label"]) if group["members"][0] in nodes else group["name"]
    if not group["raises"] or not group["lowers"]:  # several groups or features at once
        return f"{len(group['members'])} features, taken together"
    case = case_of(state)
    first = (case["answer"], case["foil"])
    raises = listed([quoted(t) for t in sorted(group["raises"], key=lambda t: t not in first)[:3]])
    lowers = listed([quoted(t) for t in sorted(group["lowers"], key=lambda t: t not in first)[:3]])
    return f"what its features write raises {raises} and lowers {lowers} among the likeliest next tokens"
