"""Sentences on the strongest path: how it runs, and what the tests of its groups say. Reads the state."""

from agent.answers.route_sentences import tell_route
from agent.answers.sentences import write_test
from agent.core import (
    Case,
    EffectClaim,
    State,
    case_of,
    claim_group,
    groups_of,
    join_words,
    path_claim,
    path_of,
    quote_token,
    quote_token_at,
    removals_of,
)
from agent.evidence import Sentence
from agent.experiments import write_heads


def write_strongest_path(state: State) -> list[Sentence]:
    """The strongest path in words, and that it is read from the graph."""
    case, path, claim = case_of(state), path_of(state), path_claim(state)
    if claim is None:
        return []
    if not path:
        return [Sentence("No path from a word to the answer stands out in the graph.", (claim.id,))]
    groups = {g["id"]: g for g in groups_of(state)}
    names = {name: f"{name} ({group['name']})" for name, group in groups.items()}
    steps = [_write_step(step, case, names) for step in path]
    through = f" through {', then '.join(steps[1:-1])}" if len(steps) > 2 else ""
    out = [
        Sentence(
            f"The strongest path in the graph runs from {steps[0]}{through} to {steps[-1]}.",
            (claim.id,),
        )
    ]
    removed = find_removal_tests(state)
    on_it = [step for step in path if step in groups]
    if on_it:
        tests = [removed[step] for step in on_it if step in removed]
        said = [f"{s} {removed[s].verdict if s in removed else 'not tested'}" for s in on_it]
        known = f"tests of its groups: {join_words(said)}" if tests else "none of its groups was tested"
        out.append(
            Sentence(
                f"It is read from the graph; {known}.",
                (claim.id, *(c.id for c in tests)),
            )
        )
    against = [step for step in on_it if groups[step]["sign"] < 0]
    if against:
        works = "works" if len(against) == 1 else "work"
        out.append(
            Sentence(
                f"Taken whole, {join_words(against)} {works} for "
                f"{quote_token(case['foil'])}; what goes along this "
                f"path counts for {quote_token(case['answer'])}.",
                (claim.id,),
            )
        )
    return out


def find_removal_tests(state: State) -> dict[str, EffectClaim]:
    """The last test of removing each group, in this conversation about this text."""
    return {claim.name: claim for claim in removals_of(state) if claim.name}


def _write_step(step: str, case: Case, names: dict[str, str]) -> str:
    if step == "LD":
        return f"the answer {quote_token(case['answer'])}"
    if step.startswith("T"):
        return f"the word {quote_token_at(case['tokens'], int(step[1:]))}"
    return names[step]


def write_asked_path(state: State) -> list[tuple[str, list[Sentence]]]:
    """The answer to a question for a path, as headings with what stands under them."""
    path, claims, case = path_of(state), find_removal_tests(state), case_of(state)
    along = [write_test(claims[s], claim_group(claims[s], state), case) for s in path if s in claims]
    heads, whole = ("Heads.", write_heads(state)), write_strongest_path(state)
    tests, route = ("What tests say about its steps.", along), ("Tested.", tell_route(state))
    if state["question"].get("group") and heads[1]:  # what is named comes first
        return [route, heads, ("The strongest path of all.", whole), tests]
    return [route, ("The path.", whole), heads, tests]
