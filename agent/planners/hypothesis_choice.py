"""What a why tests next, and when it is settled: the decisions between one test and the next. Runs nothing.

A main hypothesis is registered and tested first. What follows depends on what the test showed: the next
hypothesis where it was refuted or inconclusive, a look at groups that may stand in for each other, the next
group that is foreseen to matter, or the answer. Each decision says why in one line.
"""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    Answer,
    Combine,
    Decision,
    EffectClaim,
    Hypothesise,
    JointClaim,
    RateClaim,
    State,
    Supernode,
    Test,
    groups_of,
    join_group_ids,
    join_words,
    own_claims,
    path_of,
    percent,
    show_change,
)
from agent.evidence import HOLDING_VERDICTS, MIN_EFFECT, has_no_effect
from agent.planners.question_scope import resolve_groups
from agent.planners.thresholds import MATTERS

MAX_TESTS = 5  # tests a turn: with 99 controls each, Holm over more could support none (p >= 0.01 each)
ASKED = 3  # groups at the word a question names that are tested
SOUGHT = 6  # strongest groups among which those that stand in for each other are looked for


def choose_why_step(state: State, *, thorough: bool) -> Decision:
    """The next step of a why; `thorough` tests as many groups as Holm can carry, whatever is settled."""
    groups, effects = groups_of(state), select_single_removals(list_own_effects(state))
    every = list_own_effects(state)
    if (test := choose_next_test(every, extend=thorough)) is not None:
        return test
    if not every:
        return choose_main_hypotheses(state)
    if len(every) >= MAX_TESTS:
        return _why(f"{MAX_TESTS} tests are run: with more, Holm's correction could support none")
    if (joint := _stand_ins(state)) is not None:
        return joint
    tested = {c.name for c in effects}
    left = [g for g in groups if g["id"] not in tested]
    if not left:
        return _why(f"every group has been tested ({len(effects)})")
    if (following := choose_next_hypothesis(state)) is not None:
        return following
    if thorough:  # the last test waits: it may be needed for groups that matter together
        chosen = left[: max(1, MAX_TESTS - 1 - len(every))]
        names = ", ".join(g["id"] for g in chosen)
        return _register(chosen, f"an unattended run tests what Holm can carry: {names} too")
    return _further(state, effects, left)


def choose_main_hypotheses(state: State) -> Decision:
    """The group the answer hangs on, by the graph, and the strongest against it where it may matter.

    Where the question names a word or a group, first what is found there: together, and each alone.
    """
    case, groups = state["case"], groups_of(state)
    assert case is not None
    asked = resolve_groups(state)[:ASKED]
    pro = [g for g in groups if g["sign"] > 0]
    con = [g for g in groups if g["sign"] < 0]
    main = asked[0] if asked else (pro or con)[0]
    rivals = [g for g in (pro[:1] + con[:1]) if g is not main and g not in asked]
    beside = [g for g in rivals if abs(g["effect"]) >= MATTERS * abs(main["effect"])]
    on_path = _on_the_path(state, [*(asked or [main]), *beside])
    what = "carries" if main["sign"] > 0 else "works against"
    why = f"main hypothesis: {main['id']} {what} {case['answer']!r}"
    if asked:
        which = join_words([g["id"] for g in asked])
        why = f"the question is about {state['question']['group']!r}: test {which}, found there"
    if beside:
        names = " and ".join(f"{g['id']} ({show_change(g['effect'])} in the graph)" for g in beside)
        why += f"; beside it {names}"
    why += "".join(f"; {g['id']} is on the strongest path" for g in on_path)
    together = [join_group_ids(g["id"] for g in asked)] if len(asked) > 1 else []
    tests = [*together, *(g["id"] for g in (asked or [main])), *(g["id"] for g in [*beside, *on_path])]
    return Decision(action=Hypothesise(groups=tuple(tests[:MAX_TESTS])), why=why[:300])


def _on_the_path(state: State, chosen: Sequence[Supernode]) -> list[Supernode]:
    """The group of the strongest path with the largest effect, where none of those chosen is on the path.

    The path is told, so what it goes through is to be known.
    """
    path = path_of(state)
    if any(g["id"] in path for g in chosen):
        return []
    through = [g for g in groups_of(state) if g["id"] in path]
    return sorted(through, key=lambda g: -abs(g["effect"]))[:1]


def choose_next_hypothesis(state: State) -> Decision | None:
    """Where no group has been measured to carry the answer yet: the next that may, and why."""
    case, effects = state["case"], select_single_removals(list_own_effects(state))
    assert case is not None
    failed = [c for c in effects if c.verdict not in HOLDING_VERDICTS]
    carried = [c for c in effects if c.verdict in HOLDING_VERDICTS and c.effect < 0]
    tested = {c.name for c in effects}
    left = [g for g in groups_of(state) if g["id"] not in tested and g["sign"] > 0]
    if carried or not failed or not left:
        return None
    last = failed[-1]
    why = (
        f"{last.name} is {last.verdict} (predicted {show_change(last.predicted or 0.0)}, measured "
        f"{show_change(last.effect)}): next hypothesis, {left[0]['id']} carries {case['answer']!r}"
    )
    return _register(left[:1], why[:300])


def _further(state: State, effects: Sequence[EffectClaim], left: Sequence[Supernode]) -> Decision:
    """The next group that is foreseen to matter beside what was measured, or the end."""
    best = _strongest(effects)
    group = max(left, key=lambda g: abs(g["effect"]))
    if best is None:
        return _register([group], f"no group that was tested stands out: test {group['id']}")
    share = abs(group["effect"]) / abs(best.measured or 1.0)
    shown = f"{best.name} is {best.verdict} ({show_change(best.effect)})"
    if share >= MATTERS:
        return _register(
            [group], f"{shown}; {group['id']} is foreseen to do {percent(share)} as much: test it"
        )
    small = f"no group left is foreseen to do {percent(MATTERS)} as much"
    if _looked(state) is None and len(left) > 1:
        return Decision(action=Combine(), why=f"{small}: see whether several of them do at once")
    return _why(f"settled: {shown}, and {small}")


def _strongest(effects: Sequence[EffectClaim]) -> EffectClaim | None:
    """The test that holds with the largest effect."""
    held = [c for c in effects if c.verdict in HOLDING_VERDICTS and c.measured]
    return max(held, key=lambda c: abs(c.effect), default=None)


def min_joint_change(state: State) -> float:
    """How much removing groups at once must change the lead to be looked into.

    A share of the strongest effect measured, or of the lead (of at least one logit) where that is less.
    """
    best, case = _strongest(select_single_removals(list_own_effects(state))), state["case"]
    if best is None or case is None:
        return MIN_EFFECT
    return MATTERS * min(abs(best.effect), max(abs(case["value"]), 1.0))


def _looked(state: State) -> JointClaim | None:
    return next(iter(own_claims(state, JointClaim)), None)


def _stand_ins(state: State) -> Decision | None:
    """Groups that should matter and do not, one by one: look for the fewest that matter together.

    Paths that can replace each other look like that. Once a set is found and holds, the members that were
    not tested alone are.
    """
    effects = list_own_effects(state)
    found = next((c for c in effects if len(c.groups) > 1 and c.p is not None), None)
    if found is not None:
        tested = {c.name for c in effects}
        parts = [p for p in found.groups if p not in tested]
        if found.verdict not in HOLDING_VERDICTS or not parts:
            return None
        groups = [g for g in groups_of(state) if g["id"] in parts]
        why = f"{found.name} matters together: test {', '.join(parts)} alone as well"
        return _register(groups[: MAX_TESTS - len(effects)], why)
    if (looked := _looked(state)) is not None:
        if not looked.groups:
            return None
        both = join_group_ids(looked.groups)
        why = f"predict removing {both} at once: together they do far more than apart"
        return Decision(action=Hypothesise(groups=(both,)), why=why)
    still = _without_effect(state)
    if not still:
        return None
    names = " and ".join(g["id"] for g in still[:2])
    why = f"neither {names} alone does what the graph foresees: can one replace the other?"
    return Decision(action=Combine(), why=why)


def find_joint_candidates(state: State) -> list[Supernode]:
    """Groups that may stand in for each other, or matter only together; empty where none are to be looked at.

    Either two or more without effect alone, with the untested ones that push the same way; or, where no
    group left is foreseen to matter, all that are left: what is saturated is foreseen to do nothing.
    """
    groups, effects = groups_of(state)[:SOUGHT], select_single_removals(list_own_effects(state))
    tested = {c.name for c in effects}
    left = [g for g in groups if g["id"] not in tested]
    if still := _without_effect(state):
        most = max(abs(g["effect"]) for g in still)
        return still + [
            g for g in left if g["sign"] == still[0]["sign"] and abs(g["effect"]) >= MATTERS * most
        ]
    best = _strongest(effects)
    most = abs(best.effect) if best else 0.0
    if best is None or any(abs(g["effect"]) >= MATTERS * most for g in left):
        return []
    return left if len(left) > 1 else []


def _without_effect(state: State) -> list[Supernode]:
    """Two or more groups that were foreseen to push the same way, and did nothing alone."""
    known = {g["id"]: g for g in groups_of(state)[:SOUGHT]}
    effects = select_single_removals(list_own_effects(state))
    still = [known[c.name] for c in effects if c.name in known and has_no_effect(c)]
    same = [[g for g in still if g["sign"] == sign] for sign in (1, -1)]
    return next((some for some in same if len(some) > 1), [])


def choose_next_test(effects: Sequence[EffectClaim | RateClaim], *, extend: bool = False) -> Decision | None:
    """The test of the first prediction that has none; joint ones first."""
    if sum(claim.p is not None for claim in effects) >= MAX_TESTS:
        return None
    for claim in sorted(effects, key=lambda c: len(c.groups) < 2):
        if claim.p is None:
            main = extend and claim.id == effects[0].id
            why = f"test {claim.id} against random groups"
            more = ", and against more where it beats them all" if main else ""
            return Decision(action=Test(claim=claim.id, extend=main), why=why + more)
    return None


def list_own_effects(state: State) -> list[EffectClaim]:
    """This turn's predictions of what an intervention does."""
    return own_claims(state, EffectClaim)


def select_single_removals(effects: Sequence[EffectClaim]) -> list[EffectClaim]:
    """Those that remove one group alone."""
    return [c for c in effects if c.removes and len(c.groups) == 1]


def _register(groups: Sequence[Supernode], why: str) -> Decision:
    return Decision(action=Hypothesise(groups=tuple(g["id"] for g in groups)), why=why)


def _why(reason: str, style: Any = "why") -> Decision:
    return Decision(action=Answer(style=style), why=reason)
