"""Sentences of an answer, each with the claims it rests on. Reads the state; checks nothing."""

from agent.answers.weight_sentences import tell_weights
from agent.core import (
    FEATURE_SET_KIND,
    Case,
    EffectClaim,
    JointClaim,
    PredictionClaim,
    State,
    Supernode,
    Swap,
    case_of,
    claim_group,
    errors_dominate,
    format_p,
    graph_claim,
    groups_of,
    is_mark,
    is_several,
    join_words,
    joined,
    own_claims,
    percent,
    prediction_of,
    quote_token,
    quote_token_at,
    quote_word,
    quote_word_at,
    show_change,
    show_group,
    show_layers,
    show_rise,
    show_size,
    terms_of,
    tests_of,
)
from agent.evidence import HOLDING_VERDICTS, Sentence, has_no_effect
from agent.planners import find_untestable_reason

ONLY_SPACE = (
    "That is only the space before what comes next: put it at the end of the text and ask again about that."
)
NEARLY = 0.8  # of the answer's probability from which another word is nearly as likely
MAX_NAMED_WORDS = 3  # words that are named
MIN_KNOCK_ON = 0.05  # share of its activation that another group must lose or gain to be told of


def quote_case(case: Case) -> str:
    """The text in quotes; of a conversation what was said last, never the template's marks."""
    said = [(role, joined(case["tokens"][first:end])) for role, first, end in case.get("roles", ())]
    if not said:
        return quote_token(case["text"])
    asked = next((text for role, text in reversed(said) if role != "assistant"), "")
    role, begun = said[-1]
    message = f"the message {quote_token(asked)}"
    return f"{message}, and {quote_token(begun)} of its own," if role == "assistant" and begun else message


def write_premise(state: State) -> list[Sentence]:
    """What was wrong or unclear about the question, first of all."""
    note = case_of(state)["note"]
    return [Sentence(note, (prediction_of(state).id,))] if note else []


def write_prediction(state: State, model: str) -> list[Sentence]:
    """What the model says, and what it is compared with."""
    case, claim = case_of(state), prediction_of(state)
    first = case["predictions"][0]
    beside = {
        "kind": ", the likeliest other of its kind",
        "nearest": ", the nearest of the likeliest others of its kind",
        "text": ", the other word of its kind in the text",
        "form": ", its other form",
        "runner-up": ", which comes second",
    }
    why = beside.get(case.get("foil_rule", ""), "")
    blank = not first["token"].strip()
    why = "" if blank or not case["foil"].strip() else why
    mark = ", which is no word but a mark of its own" if is_mark(first["token"]) else ""
    return [
        Sentence(
            f"After {quote_case(case)} {quote_token(model)} says {quote_word(first['token'])} "
            f"({percent(first['p'])}){mark}. It is compared with {quote_word(case['foil'])} "
            f"({percent(case['foil_p'])}){why}.",
            (claim.id,),
        ),
        *([Sentence(ONLY_SPACE, (claim.id,))] if blank else []),
        *_write_near_tie(case, claim),
    ]


def _write_near_tie(case: Case, claim: PredictionClaim) -> list[Sentence]:
    """That another word is nearly as likely, where it is not the one compared with."""
    first, *others = case["predictions"]
    if not others or others[0]["p"] < NEARLY * first["p"] or others[0]["token"] == case["foil"]:
        return []
    said, close = quote_word(first["token"]), quote_word(others[0]["token"])
    text = f"{close} is nearly as likely as {said} ({percent(others[0]['p'])})."
    return [Sentence(text, (claim.id,))]


def lead_explained(state: State) -> Sentence:
    """What the tests of groups are about."""
    case, claim = case_of(state), prediction_of(state)
    return Sentence(
        f"The logit of {quote_token(case['answer'])} lies {show_size(case['value'])} above that of "
        f"{quote_token(case['foil'])}: this is its lead, which is what these tests are about.",
        (claim.id,),
    )


def write_summary(state: State) -> list[Sentence]:
    """The strongest group for the answer, the strongest at an earlier word and against it, what failed."""
    out: list[Sentence] = []
    if errors_dominate(state.get("graph")):
        return _write_too_little(state)
    removed = [c for c in tests_of(state) if c.groups and c.removes]
    held = [c for c in removed if c.verdict in HOLDING_VERDICTS]
    held.sort(key=lambda c: (c.effect, c.id))
    out += _write_carried(held, state)
    if held and held[-1].effect > 0:
        claim, case = held[-1], case_of(state)
        group = name_group(claim_group(claim, state), case)
        out.append(
            Sentence(
                f"What works most for {quote_token(case['foil'])} is {group}: without it "
                "that lead changes by "
                f"{show_change(claim.effect)} logits{_write_open_part(claim)}.",
                (claim.id,),
            )
        )
        out += tell_weights(claim, state)
    out += _write_redundancy(state) or _write_refuted(removed, state)
    if removed and not held:
        ids = tuple(c.id for c in removed)
        out.append(Sentence("No group that was tested stands out from random ones.", ids))
    return out or _write_no_test(state)


def _write_no_test(state: State) -> list[Sentence]:
    """Why a why has no test: the graph explains too little, or nothing in it belongs together."""
    claim = graph_claim(state)
    if claim is None or tests_of(state):
        return []
    if find_untestable_reason(state):
        score = show_size((state.get("graph") or {})["completeness"])
        text = f"Nothing was tested: the graph explains too little (completeness {score})."
        return [Sentence(text, (claim.id,))]
    if not groups_of(state):
        text = "Nothing was tested: no neurons of this graph act the same way at one word."
        return [Sentence(text, (claim.id,))]
    return []


def _write_carried(held: list[EffectClaim], state: State) -> list[Sentence]:
    """The strongest group for the answer, and the strongest at an earlier word; `held` the lowest first."""
    case, out = case_of(state), []
    for_answer = [c for c in held if c.effect < 0]
    if not for_answer:
        return []
    first, last = for_answer[0], len(case["tokens"]) - 1
    group = claim_group(first, state)
    out.append(
        Sentence(
            f"What carries {quote_token(case['answer'])} most is "
            f"{name_group(group, case)}{_show_place(group, state)}: without it "
            f"{_says_then(first, case)}the lead over {quote_token(case['foil'])} changes by "
            f"{show_change(first.effect)} logits{_write_open_part(first)}.",
            (first.id,),
        )
    )
    out += tell_weights(first, state)
    earlier = [c for c in for_answer[1:] if len(c.groups) == 1]
    earlier = [c for c in earlier if claim_group(c, state)["position"] < last]
    if group["position"] == last and earlier:
        claim = earlier[0]
        there = claim_group(claim, state)
        out.append(
            Sentence(
                "Of what is tested at earlier words, "
                f"{name_group(there, case)}{_show_position(there, case)} counts most: "
                f"without it {_says_then(claim, case)}the lead changes by "
                f"{show_change(claim.effect)} logits{_write_open_part(claim)}.",
                (claim.id,),
            )
        )
    return out


def _show_position(group: Supernode, case: Case) -> str:
    """The word a group sits at, where its name does not say it."""
    word = quote_token_at(case["tokens"], group["position"])
    return "" if word in group["name"] else f" at {word}"


def _write_open_part(claim: EffectClaim) -> str:
    """What a verdict that is less than supported leaves to be said."""
    return " (partly: its size or its doses are not as predicted)" if claim.verdict == "partly" else ""


def _write_refuted(removed: list[EffectClaim], state: State) -> list[Sentence]:
    """The main hypothesis, where its test does not bear it out, and every other one that is refuted."""
    failed = [c for c in removed[:1] if c.verdict not in HOLDING_VERDICTS]
    failed += [c for c in removed if c.verdict == "refuted" and c not in failed]
    return [_write_failed(c, state, first=c is removed[0]) for c in failed]


def _write_failed(claim: EffectClaim, state: State, *, first: bool) -> Sentence:
    group = name_group(claim_group(claim, state), case_of(state))
    foreseen, found = show_change(claim.predicted or 0.0), show_change(claim.effect)
    what = f"{group} {'was the first hypothesis and ' if first else ''}is {claim.verdict}"
    text = f"{what}: without it the lead changes by {found} ({foreseen} was predicted)"
    alike = claim.verdict == "inconclusive" and claim.loudest >= abs(claim.effect)
    chance = ", and some random groups of neurons change it as much" if alike else ""
    return Sentence(f"{text}{chance}.", (claim.id,))


def _write_too_little(state: State) -> list[Sentence]:
    """Why there is no story: the graph's errors hold too much."""
    graph, claim = state.get("graph") or {}, graph_claim(state)
    if claim is None:
        return []
    return [
        Sentence(
            "This graph explains too little to say why: its replacement score is "
            f"{show_size(graph['replacement'])} and {percent(graph['unexplored'])} of the influence ends in "
            f"{terms_of(state).errors}. No group of its features was tested.",
            (claim.id,),
        ),
        Sentence(
            "A set of transcoders that is closer to this model may explain more; without transcoders "
            "the neurons themselves are traced.",
            (claim.id,),
        ),
    ]


def _write_redundancy(state: State) -> list[Sentence]:
    """Groups that matter together and not one by one: each can do without the others."""
    tests = tests_of(state)
    still = {c.name: c.id for c in tests if has_no_effect(c)}
    looked = own_claims(state, JointClaim)
    out = []
    for claim in tests:
        parts = claim.groups
        if (
            len(parts) < 2
            or claim.verdict not in HOLDING_VERDICTS
            or not all(part in still for part in parts)
        ):
            continue
        together = f"removing {'both' if len(parts) == 2 else 'all of them'} changes the lead by"
        words = (
            f"{join_words(parts)} can stand in for each other: removing "
            f"{'either' if len(parts) == 2 else 'one'} "
            f"alone changes little, {together} {show_change(claim.effect)}."
        )
        out.append(Sentence(words, (claim.id, *(still[part] for part in parts))))
        out += [Sentence(f"How it was found: {c.text}", (c.id,)) for c in looked]
    return out


def _says_then(claim: EffectClaim, case: Case) -> str:
    """What the model says under an intervention: something else, or still the same."""
    says = claim.says or []
    if not says:
        return ""
    then = f"{quote_token(says[0].token)} ({percent(says[0].p)})"
    if is_mark(says[0].token):
        then = f"no word but a mark of its own, {then},"
        return f"the model says {then} and "
    return f"the model {'still says' if says[0].token == case['answer'] else 'says'} {then}, and "


def _show_place(group: Supernode, state: State) -> str:
    """How many neurons a group of several has, and where."""
    if len(group["members"]) == 1 or is_several(group) or group["kind"] == FEATURE_SET_KIND:
        return ""
    there = quote_word_at(case_of(state)["tokens"], group["position"])
    return f", {len(group['members'])} {terms_of(state).units} of {show_layers(*group['layers'])} at {there}"


def name_group(group: Supernode, case: Case) -> str:
    """A group by id and name, for where `show_group` stands elsewhere in the answer."""
    if len(group["members"]) == 1 or is_several(group) or group["kind"] == FEATURE_SET_KIND:
        return show_group(group, case)
    return f"{group['id']} ({group['name']})"


def write_test(claim: EffectClaim, group: Supernode, case: Case) -> Sentence:
    """One test: done, measured, predicted, controls, verdict."""
    how, controls, foil = claim.intervention, claim.controls, case["foil"]
    assert controls is not None
    if isinstance(how, Swap):
        words = list(dict.fromkeys(quote_token(word) for word in how.donor.replaced))
        where = f" at {join_words(words)}" if len(words) <= MAX_NAMED_WORDS else ""
        what = f"Giving {group['name']}{where} their values from {quote_token(how.donor.text)}"
        foil = how.donor.foil
    elif how.factor == 0:
        what = f"Removing {show_group(group, case)}"
    else:
        what = f"Scaling {show_group(group, case)} by {how.factor:g}".replace("by -", "by −")
    return Sentence(
        f"{what} changes the lead of {quote_token(case['answer'])} over {quote_token(foil)} by "
        f"{show_change(claim.effect)} (predicted {show_change(claim.predicted or 0.0)}); "
        f"{_beside_controls(claim)} (p = {format_p(claim.p or 0.0)}, "
        f"after Holm {format_p(claim.p_holm or 0.0)}): {claim.verdict}.",
        (claim.id,),
    )


def _beside_controls(claim: EffectClaim) -> str:
    """What random groups do: those as active, with how well they match, and those that write as much."""
    controls, equal = claim.controls, claim.norm_controls
    assert controls is not None
    if equal is None:
        return f"{controls.n} matched random groups change it by at most {show_size(controls.max_abs)}"
    few = f" (there are such for {percent(controls.matched)} of its members)"
    alike = "" if controls.matched >= 1 else few
    said = f"{controls.n} random groups that are as active{alike} change it by at most"
    also = f"{equal.n} that write as much by at most {show_size(equal.max_abs)}"
    return f"{said} {show_size(controls.max_abs)}, and {also}"


def write_knock_on(state: State) -> list[Sentence]:
    """The largest measured effect of one tested group on another."""
    moved = [(claim, known) for claim in tests_of(state) for known in claim.knock_on]
    if not moved:
        return []
    claim, known = max(moved, key=lambda one: abs(one[1].measured))  # the first of equals
    if abs(known.measured) < MIN_KNOCK_ON:
        return []
    names = {g["id"]: g["name"] for g in groups_of(state)}
    without = (
        join_words(claim.groups) if claim.groups else show_group(claim_group(claim, state), case_of(state))
    )
    return [
        Sentence(
            f"Without {without} the activation of {known.supernode} ({names[known.supernode]}) "
            f"changes by {show_rise(known.measured)} (predicted {show_rise(known.predicted)}).",
            (claim.id,),
        )
    ]


def write_role(group: Supernode, state: State) -> str:
    """What a group or a feature does, in words."""
    nodes = {n["id"]: n for n in (state.get("drawing") or {}).get("nodes", [])}
    if len(group["members"]) == 1:
        return str(nodes[group["members"][0]]["label"]) if group["members"][0] in nodes else group["name"]
    if not group["raises"] or not group["lowers"]:  # several groups or features at once
        return f"{len(group['members'])} features, taken together"
    case = case_of(state)
    first = (case["answer"], case["foil"])
    raises = join_words([quote_token(t) for t in sorted(group["raises"], key=lambda t: t not in first)[:3]])
    lowers = join_words([quote_token(t) for t in sorted(group["lowers"], key=lambda t: t not in first)[:3]])
    return f"what its features write raises {raises} and lowers {lowers} among the likeliest next tokens"
