"""What the graph leaves unexplained, and which of its groups were not tested. Reads the state."""

from agent.core import (
    State,
    case_of,
    graph_claim,
    groups_of,
    join_words,
    path_claim,
    percent,
    terms_of,
    tests_of,
)
from agent.evidence import Sentence


def write_untested_groups(state: State) -> list[Sentence]:
    """Groups of the picture that no test was about."""
    claim, tests = path_claim(state), tests_of(state)
    tested = {group for c in tests for group in c.groups}
    left = [g["id"] for g in groups_of(state) if g["id"] not in tested]
    if claim is None or not tests or not left:
        return []
    return [Sentence(f"{join_words(left)} {'was' if len(left) == 1 else 'were'} not tested.", (claim.id,))]


def write_limits(state: State) -> list[Sentence]:
    """What the graph leaves unexplained and the tests cannot say."""
    graph, claim = state.get("graph") or {}, graph_claim(state)
    if claim is None:
        return []
    case = case_of(state)
    stands_in = case.get("sink") and not case["bos"]
    rest = "at the first token, where attention rests" if stands_in else "at the begin-of-text position"
    out = [
        Sentence(
            f"The graph is a partial account: {percent(graph['unexplored'])} of the influence on the answer "
            f"ends in {terms_of(state).errors} and {percent(graph['bos'])} {rest}.",
            (claim.id,),
        ),
        Sentence(
            f"Without that position, {percent(graph['replacement'])} of it comes from the words of the "
            f"text (its replacement score), and {percent(graph['completeness'])} of what flows into its "
            "nodes comes from nodes that are known (its completeness).",
            (claim.id,),
        ),
    ]
    if usual := graph.get("usual"):
        units = terms_of(state).units
        text = f"The text is long: its graph has {graph['traced']} {units}, not {usual} as usual."
        out.append(Sentence(text, (claim.id,)))
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
