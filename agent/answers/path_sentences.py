"""Sentences on the strongest path: how it runs, and what the tests of its groups say. Reads the state."""

from agent.answers.sentences import tested
from agent.core import (
    Case,
    EffectClaim,
    State,
    case_of,
    groups_of,
    listed,
    path_claim,
    path_of,
    placed,
    quoted,
    removals_of,
    subject_of,
)
from agent.evidence import Sentence
from agent.experiments import heads_named


def path_walked(state: State) -> list[Sentence]:
    """The strongest path in words, and that it is read from the graph."""
    case, path, claim = case_of(state), path_of(state), path_claim(state)
    if claim is None:
        return []
    if not path:
        return [Sentence("No path from a word to the answer stands out in the graph.", (claim.id,))]
    groups = {g["id"]: g for g in groups_of(state)}
    names = {name: f"{name} ({group['name']})" for name, group in groups.items()}
    steps = [_step(step, case, names) for step in path]
    through = f" through {', then '.join(steps[1:-1])}" if len(steps) > 2 else ""
    out = [
        Sentence(
            f"The strongest path in the graph runs from {steps[0]}{through} to {steps[-1]}.",
            (claim.id,),
        )
    ]
    removed = removals(state)
    on_it = [step for step in path if step in groups]
    if on_it:
        tests = [removed[step] for step in on_it if step in removed]
        said = [f"{s} {removed[s].verdict if s in removed else 'not tested'}" for s in on_it]
        known = f"tests of its groups: {listed(said)}" if tests else "none of its groups was tested"
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
                f"Taken whole, {listed(against)} {works} for {quoted(case['foil'])}; what goes along this "
                f"path counts for {quoted(case['answer'])}.",
                (claim.id,),
            )
        )
    return out


def removals(state: State) -> dict[str, EffectClaim]:
    """The last test of removing each group, in this conversation about this text."""
    return {claim.name: claim for claim in removals_of(state) if claim.name}


def _step(step: str, case: Case, names: dict[str, str]) -> str:
    if step == "LD":
        return f"the answer {quoted(case['answer'])}"
    if step.startswith("T"):
        return f"the word {placed(case['tokens'], int(step[1:]))}"
    return names[step]


def asked_path(state: State) -> list[tuple[str, list[Sentence]]]:
    """The answer to a question for a path, as headings with what stands under them."""
    path, claims, case = path_of(state), removals(state), case_of(state)
    along = [tested(claims[s], subject_of(claims[s], state), case) for s in path if s in claims]
    heads, whole = ("Heads.", heads_named(state)), path_walked(state)
    tests = ("What tests say about its steps.", along)
    if state["question"].get("group") and heads[1]:  # what is named comes first
        return [heads, ("The strongest path of all.", whole), tests]
    return [("The path.", whole), heads, tests]
