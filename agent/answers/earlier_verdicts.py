"""What was tested on the same text beside other tokens: marks for groups with mostly the same features."""

from collections.abc import Sequence
from typing import Any

from agent.core import EffectClaim, State, read_claims

SHARED = 0.5  # of the features of two groups together: from here on they are taken for the same one
TEST = ("predicted", "measured", "p", "verdict")


def add_earlier_verdicts(view: dict[str, Any], talks: Sequence[State]) -> dict[str, Any]:
    """The drawing with the removals tested in `talks` on its text, each marked with its comparison.

    A mark stands apart from the box's own test: the same features were removed, and another lead measured.
    Of each comparison the latest tests count; of the drawing's own only those of boxes without a test.
    """
    latest: dict[tuple[str, str], State] = {}
    for talk in talks:
        case = talk.get("case")
        if case and talk.get("groups") and case["text"] == view["text"]:
            latest.pop((case["answer"], case["foil"]), None)  # so that the last one asked about stands last
            latest[case["answer"], case["foil"]] = talk
    own = view["target"]["answer"], view["target"]["foil"]
    marks = []
    for (answer, foil), talk in reversed(latest.items()):
        claims = read_claims(talk.get("claims") or [])
        tests = {c.name: c for c in claims if isinstance(c, EffectClaim) and c.removes}
        for now, then, shared in match_groups(view["supernodes"], talk.get("groups") or []):
            test = tests.get(then["id"])
            if test is None or test.measured is None or (now["verdict"] and (answer, foil) == own):
                continue
            told = test.model_dump(mode="json", include=set(TEST))
            named = {"id": now["id"], "was": then["id"], "answer": answer, "foil": foil}
            marks.append({**named, "shared": shared, **told})
    kept = {name: value for name, value in view.items() if name != "earlier"}
    return {**kept, "earlier": marks} if marks else kept


def match_groups(now: Sequence[Any], then: Sequence[Any]) -> list[tuple[Any, Any, float]]:
    """Groups of two graphs that share at least half of their features, one to one, and what they share."""
    pairs = []
    for one in now:
        members = set(one["members"])
        for other in then:
            both = len(members & set(other["members"]))
            if both >= SHARED * len(members | set(other["members"])) > 0:
                pairs.append((both / len(members | set(other["members"])), one, other))
    pairs.sort(key=lambda pair: (-pair[0], pair[1]["id"], pair[2]["id"]))
    taken: set[tuple[str, str]] = set()
    found = []
    for shared, one, other in pairs:
        if not taken & {("now", one["id"]), ("then", other["id"])}:
            taken |= {("now", one["id"]), ("then", other["id"])}
            found.append((one, other, round(shared, 3)))
    return found
