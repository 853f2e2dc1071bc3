"""Sentences on what was looked for: repairs, other texts, swaps. Reads the state only."""

import re

from agent.answers.sentences import name_group, write_test
from agent.core import (
    Case,
    Cell,
    EffectClaim,
    LostClaim,
    NextToken,
    RateClaim,
    SearchClaim,
    State,
    Swap,
    case_of,
    claim_group,
    format_p,
    groups_of,
    join_words,
    own_claims,
    path_claim,
    percent,
    position_of,
    prediction_of,
    predictions_of,
    quote_token,
    quote_token_at,
    show_change,
    show_group,
    show_layers,
    show_size,
    terms_of,
    tests_of,
)
from agent.evidence import HOLDING_VERDICTS, Sentence
from agent.experiments import count_known_right, find_entity, find_kind, parse_entities
from agent.planners import choose_transfer_kinds, is_already_said, select_reading_groups

MAX_NAMED_FEATURES = 6  # features of a small set that are named
MIN_SHARE_CHANGE = 0.1  # difference of two shares of influence that is worth a word


def write_already_said(state: State) -> list[Sentence]:
    """Where the wanted token is what the model says there is nothing to change."""
    case = case_of(state)
    if not is_already_said(state):
        return []
    claim = prediction_of(state)
    return [Sentence(f"Nothing has to be changed: it says {quote_token(case['answer'])}.", (claim.id,))]


def write_where_lost(state: State) -> list[Sentence]:
    """Where the graph's features for the wanted token are outweighed."""
    case, out = case_of(state), []
    for claim in own_claims(state, LostClaim):
        cells = claim.cells
        if not cells:
            continue
        ids, wanted, answer = (claim.id,), quote_token(case["foil"]), quote_token(case["answer"])
        out.append(Sentence(claim.text, ids))
        best = max(cells, key=lambda c: (c.for_wanted, -c.position))
        worst = max(cells, key=lambda c: (c.for_answer - c.for_wanted, -c.position))
        outweighed = worst.for_answer > worst.for_wanted
        too = ", and nowhere is it outweighed more" if outweighed and worst == best else ""
        out.append(
            Sentence(
                f"For {wanted} the most is at {_show_cell(best, state)}: "
                f"{show_size(best.for_wanted)}, beside "
                f"{show_size(best.for_answer)} for {answer} there{too}.",
                ids,
            )
        )
        if outweighed and worst != best:
            out.append(
                Sentence(
                    f"It is outweighed most at {_show_cell(worst, state)}: "
                    f"{show_size(worst.for_wanted)} against "
                    f"{show_size(worst.for_answer)}.",
                    ids,
                )
            )
        if claim.overtaken is not None:
            out.append(
                Sentence(
                    f"Added up from the first layer on, the features for {answer} are ahead from layer "
                    f"{claim.overtaken} to the end.",
                    ids,
                )
            )
        out.append(
            Sentence(
                f"Of what works for {wanted}, {percent(claim.last_for_wanted)} sits at the last word, and of "
                f"what works for {answer}, {percent(claim.last_for_answer)}"
                f"{_write_unmoved(claim)}: read from the graph, not tested.",
                ids,
            )
        )
    return out


def _write_unmoved(claim: LostClaim) -> str:
    if claim.last_for_wanted < claim.last_for_answer - MIN_SHARE_CHANGE:
        return ", so less of the first is taken to where the answer is read"
    return ""


def _show_cell(cell: Cell, state: State) -> str:
    word = quote_token_at(case_of(state)["tokens"], cell.position)
    return f"{word} in {show_layers(*cell.layers)}"


def write_sides(state: State) -> list[Sentence]:
    """Which tested groups work for the answer that is wrong and which for the right one."""
    case, out = case_of(state), []
    tests = [c for c in tests_of(state) if c.groups and c.verdict in HOLDING_VERDICTS]
    for sign, token in ((-1, case["answer"]), (1, case["foil"])):
        held = [c for c in tests if c.effect * sign > 0]
        held.sort(key=lambda c: (-abs(c.effect), c.id))
        if held:
            named = [f"{show_group(claim_group(c, state), case)}: {show_change(c.effect)}" for c in held]
            ids = tuple(c.id for c in held)
            out.append(Sentence(f"Measured to work for {quote_token(token)}: {'; '.join(named)}.", ids))
    return out


def write_repairs(state: State) -> list[Sentence]:
    """The smallest sets found: tested, beside controls, and what leaving one member out does."""
    case, out = case_of(state), []
    flips = [c for c in tests_of(state) if c.repair]
    for number, claim in enumerate(flips):
        out += _write_repair(claim, state, smallest=number == 0)
    for search in own_claims(state, SearchClaim):
        near = search.nearest
        if not flips and near.margin <= 0:
            out.append(
                Sentence(
                    f"None of the {len(search.tried)} sets of features that were tried makes the model say "
                    f"{quote_token(case['foil'])}; the nearest, {near.size} features times "
                    f"{near.factor:g}, leaves its logit {show_size(abs(near.margin))} below that of "
                    f"{quote_token(near.says)}.".replace("-", "−"),
                    (search.id,),
                )
            )
        else:
            out.append(Sentence(f"How it was found: {search.text}", (search.id,)))
    return out


def _write_repair(claim: EffectClaim, state: State, *, smallest: bool) -> list[Sentence]:
    case, repair, controls = case_of(state), claim.repair, claim.controls
    assert repair is not None
    assert controls is not None
    size, ids, units = len(claim.members), (claim.id,), terms_of(state).units
    what = f"{size} {units if size > 1 else units[:-1]}"
    done = f"Removing {what}" if claim.removes else f"Multiplying {what} by {claim.intervention.factor:g}"
    says = (claim.says or [NextToken(token="?", p=0.0)])[0]
    lead = "The smallest change found" if smallest else "By removal alone, the smallest found"
    others = repair.controls_saying
    so_many = f"{others} of them {'makes' if others == 1 else 'make'}" if others else "none of them makes"
    out = [
        Sentence(
            f"{lead}: {done[0].lower()}{done[1:]}. The model then says {quote_token(says.token)} "
            f"({percent(says.p)}).".replace("by -", "by −"),
            ids,
        ),
        _write_members(claim, state),
        Sentence(
            f"The lead of {quote_token(case['answer'])} over {quote_token(case['foil'])} changes by "
            f"{show_change(claim.effect)} (predicted {show_change(claim.predicted or 0.0)}); "
            f"{controls.n} matched random sets of that size change it by at most "
            f"{show_size(controls.max_abs)}, and {so_many} the model say {quote_token(case['foil'])} "
            f"(p = {format_p(claim.p or 0.0)}, after Holm {format_p(claim.p_holm or 0.0)}): "
            f"{claim.verdict}.",
            ids,
        ),
    ]
    if repair.without_one is not None:
        out.append(
            Sentence(
                f"Smallest means: leave out any one of the {size} and the model no longer says it (at best "
                f"{_write_margin(repair.without_one)}).",
                ids,
            )
        )
    return out


def _write_margin(margin: float) -> str:
    if show_size(margin) in ("0.00", "−0.00"):
        return "it all but ties with the most probable token"
    return f"its logit stays {show_size(abs(margin))} below that of the most probable token"


def _write_members(claim: EffectClaim, state: State) -> Sentence:
    """Which features a set is made of, and to which groups they belong."""
    members, case = claim.members, case_of(state)
    homes = [g["id"] for g in groups_of(state) if set(g["members"]) & set(members)]
    if len(members) <= MAX_NAMED_FEATURES:
        text = f"They are {join_words(members)}." if len(members) > 1 else f"It is {members[0]}."
        return Sentence(text, (claim.id,))
    places = sorted({position_of(m) or 0 for m in members})
    where = join_words([quote_token_at(case["tokens"], p) for p in places])
    path = path_claim(state)
    if homes and path:
        return Sentence(f"They sit at {where}; some belong to {join_words(homes)}.", (claim.id, path.id))
    return Sentence(f"They sit at {where}.", (claim.id,))


def write_rates(state: State) -> list[Sentence]:
    """The rates: on how many paraphrases, and on how many other entities, the group does the same."""
    out, sorts = [], {"paraphrases": "paraphrases", "entities": "texts about another entity"}
    for claim in own_claims(state, RateClaim):
        texts = len(claim.texts)
        if claim.p is None:
            out.append(Sentence(f"{claim.text} That has not been tested.", (claim.id,)))
            continue
        if not out:
            out.append(_write_choice(claim, state))
        out.append(
            Sentence(
                f"On {claim.held} of {texts} {sorts[claim.over]}, removing what corresponds to {claim.name} "
                "moves the answer's lead as predicted and further than random groups there do (so many by "
                f"chance alone: p = {format_p(claim.p)}, after Holm {format_p(claim.p_holm or 0.0)}): "
                f"{claim.verdict}.",
                (claim.id,),
            )
        )
        right, asked = count_known_right(claim.texts)
        if claim.over == "paraphrases":
            out.append(Sentence(f"The model gives the same answer on {claim.same} of {texts}.", (claim.id,)))
        elif asked:
            table = "What it says there is what a small built-in table has as right on"
            out.append(Sentence(f"{table} {right} of {asked}.", (claim.id,)))
        out.append(
            Sentence(
                f"The same grouping finds the group again on {claim.regrouped} of {texts}"
                f"{_write_regrouped(claim.regrouped, texts)}.",
                (claim.id,),
            )
        )
    return out


def _write_choice(claim: RateClaim, state: State) -> Sentence:
    """Which group is carried over, and why that one."""
    group, case, path = claim_group(claim, state), case_of(state), path_claim(state)
    texts = [text for c in own_claims(state, RateClaim) for text in c.texts]
    changed = dict.fromkeys(own for text in texts for own, _ in text.changed)
    here = [word for word in changed if group["id"] in select_reading_groups([word], state)]
    if state["question"]["group"]:
        why = "as the question asks"
    elif here:
        why = f"which sits at {quote_token(here[0])}, a word that changes"
    elif changed:
        why = (
            f"the strongest: none that reads a word that changes does much for {quote_token(case['answer'])}"
        )
    else:
        why = f"the strongest for {quote_token(case['answer'])}"
    ids = (claim.id, path.id) if path else (claim.id,)
    return Sentence(f"The group looked for in the other texts is {name_group(group, case)}, {why}.", ids)


def _write_regrouped(grouped: int, texts: int) -> str:
    if grouped == texts:
        return ""
    return "; on the others its own features at the corresponding words were taken"


def write_text_rows(state: State, over: str) -> list[Sentence]:
    """One line for each text that was tried."""
    out = []
    for claim in own_claims(state, RateClaim):
        if claim.over != over or claim.p is None:
            continue
        for row in claim.texts:
            if not row.members:
                out.append(Sentence(f"{quote_token(row.text)}: nothing there corresponds.", (claim.id,)))
                continue
            still = "still " if row.says == row.answer else ""
            said = f"{quote_token(row.answer or '')} ({percent(row.p_answer or 0.0)})"
            then = f"{still}{quote_token(row.says or '')}"
            out.append(
                Sentence(
                    f"{quote_token(row.text)}: it says {said}, with the group removed {then}; the lead over "
                    f"{quote_token(row.foil or '')} changes by {show_change(row.measured or 0.0)} "
                    f"(predicted {show_change(row.predicted or 0.0)}): "
                    f"{'holds' if row.holds else 'does not hold'}.",
                    (claim.id,),
                )
            )
    return out


def write_unasked_texts(state: State) -> list[Sentence]:
    """Where the texts tried are not about what was asked for, or none could be made, that is said."""
    other, case, claim = state["question"].get("other") or "", case_of(state), prediction_of(state)
    over = {c.over for c in own_claims(state, RateClaim)}
    entity, named, kind = find_entity(case["text"]), parse_entities(other), find_kind(case["text"])
    text = ""
    if "entities" in over:
        if other and not named and not _one_of(other, kind):
            text = f"There is no table of {quote_token(other)} here: the texts put other {kind} in."
    elif named and entity and entity.name in named:
        text = f"{quote_token(entity.name)} is what this text is about already; name another."
    elif named:
        text = (
            "It is not known which word of this text "
            f"{join_words([quote_token(n) for n in named])} should stand for. "
            "Name it, for example: Swap Texas for Ohio."
        )
    elif other and not _one_of(other, "paraphrases"):
        text = (
            f"No rule puts other {quote_token(other)} into this text. Name a word and another for it, for "
            "example: Swap Texas for Ohio."
        )
    elif over and "entities" in choose_transfer_kinds(state["question"]):
        text = "No rule puts another thing in place of a word of this text: only its wording is changed."
    elif not over:
        text = "No rule makes another text of this one. Give one to compare with, in quotes."
    return [Sentence(text, (claim.id,))] if text else []


def _one_of(asked: str, kind: str) -> bool:
    """Whether "other states" asks for a kind of thing, or for anything at all."""
    words = set(re.findall(r"[a-z]+", asked.casefold()))
    anything = "texts prompts examples entities cases things words names sentences inputs ones wordings"
    return not words or bool(words & {*anything.split(), "paraphrases", *kind.split(), kind.rstrip("s")})


def write_swap(claim: EffectClaim, state: State, case: Case) -> tuple[Sentence, Sentence]:
    """What the model says after an intervention, and the test."""
    says, before = claim.says or [], case["predictions"][0]
    guesses = [f"{quote_token(g.token)} {percent(g.p)}" for g in says]
    too = " too" if says and says[0].token == before["token"] else ""
    after = (
        f"The model then says {join_words(guesses)}; without the change it says "
        f"{quote_token(before['token'])}{too} ({percent(before['p'])})."
    )
    donor = claim.intervention.donor if isinstance(claim.intervention, Swap) else None
    if donor is not None and donor.same is not None:  # bundles from before it was kept have none
        after += f" {quote_token(donor.text)} itself is continued with "
        also = f"{quote_token(case['answer'])}, too."
        after += also if donor.same else f"{quote_token(donor.foil)} ({percent(donor.foil_p)})."
    ids = (claim.id, prediction_of(state).id)
    return Sentence(after, ids), write_test(claim, claim_group(claim, state), case)


def write_untested(state: State) -> list[Sentence]:
    """Predictions that the budget left without a test."""
    left = tuple(c.id for c in predictions_of(state) if c.p is None)
    if not left:
        return []
    return [
        Sentence(
            f"The budget of this question was spent before {join_words(list(left))} "
            f"{'was' if len(left) == 1 else 'were'} tested.",
            left,
        )
    ]
