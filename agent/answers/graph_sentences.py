"""Answers read off what is known: which words mattered, how sure, what a sentence rests on. Tests nothing."""

from typing import Any

from agent.answers.path_sentences import path_walked, removals
from agent.answers.sentences import left_open, tested
from agent.core import (
    JOINT,
    Case,
    Claim,
    State,
    basis_of,
    called,
    case_of,
    chance,
    listed,
    percent,
    placed,
    prediction_of,
    quoted,
    rounded,
    signed,
    subject_of,
)
from agent.evidence import Sentence, new_claim

MOST_WORDS = 4  # words that are named
WORTH_NAMING = 0.05  # of the influence that ends in words
SORTED = ("supported", "partly", "inconclusive", "refuted")
Parts = list[tuple[str, list[Sentence]]]  # headings with what stands under them


def words_claims(state: State) -> list[Claim]:
    """A claim on where the influence on the answer ends among the words of the text."""
    case = case_of(state)
    nodes = [n for n in (state.get("drawing") or {}).get("nodes", []) if n["kind"] == "token"]
    whole = sum(n["influence"] for n in nodes)
    if not whole:
        return []
    ranked = sorted(nodes, key=lambda n: (-n["influence"], n["position"]))
    rows = [{"position": n["position"], "share": n["influence"] / whole} for n in ranked]
    rows = [row for row in rows if row["share"] >= WORTH_NAMING][:MOST_WORDS]
    return [
        new_claim(
            state.get("claims", []),
            state["turn"],
            kind="words",
            text=_ends_at(rows, case),
            rows=rounded(rows),
            numbers=rounded([row["share"] for row in rows]),
        )
    ]


def _ends_at(rows: list[dict[str, Any]], case: Case) -> str:
    named = [f"{placed(case['tokens'], row['position'])} ({percent(row['share'])})" for row in rows]
    return (
        f"Traced back to words, the influence on the lead of {quoted(case['answer'])} over "
        f"{quoted(case['foil'])} ends mostly at {listed(named)}: read from the graph, not tested."
    )


def where_it_ends(state: State) -> list[Sentence]:
    """The claims of this turn on words, as they stand."""
    own = [c for c in state.get("claims", []) if c["kind"] == "words" and c["turn"] == state["turn"]]
    return [Sentence(c["text"], (c["id"],)) for c in own]


def words_that_mattered(state: State) -> Parts:
    """Where the influence ends, and what tests there are at those words."""
    own = [c for c in state.get("claims", []) if c["kind"] == "words" and c["turn"] == state["turn"]]
    case, removed = case_of(state), removals(state)
    tests, without = [], []
    for claim in own:
        for row in claim["rows"] or []:
            here = [g for g in state.get("groups") or [] if g["position"] == row["position"]]
            done = [removed[g["id"]] for g in here if g["id"] in removed]
            word = placed(case["tokens"], row["position"])
            if done:
                moved = [(c["supernode"], signed(c["measured"] or 0.0), c["verdict"]) for c in done]
                said = listed([f"by {by} without {name} ({verdict})" for name, by, verdict in moved])
                tests.append(Sentence(f"At {word} the lead changes {said}.", tuple(c["id"] for c in done)))
            else:
                without.append(word)
        if without:
            tests.append(Sentence(f"At {listed(without)} nothing has been tested.", (claim["id"],)))
    return [("Words.", where_it_ends(state)), ("What was tested there.", tests)]


def how_sure(state: State) -> Parts:
    """The verdicts so far: which hold, then each with its numbers."""
    tests = [c for c in state.get("claims", []) if c["p"] is not None]
    if not tests:
        claim = prediction_of(state)
        return [("", [Sentence("Nothing has been tested on this text yet.", (claim["id"],))])]
    out = [
        Sentence(
            f"{c['id']}, {_on(c, state)}: {_numbers(c)}p = {chance(c['p'] or 0.0)}, after Holm "
            f"{chance(c['p_holm'] or 0.0)}: {c['verdict']}.",
            (c["id"],),
        )
        for c in tests
    ]
    brief = [
        f"{verdict}: {listed(list(dict.fromkeys(_on(c, state) for c in some)))}"
        for verdict in SORTED
        if (some := [c for c in tests if c["verdict"] == verdict])
    ]
    whole = Sentence(f"By verdict: {'; '.join(brief)}.", tuple(c["id"] for c in tests))
    return [("In short.", [whole]), ("Verdicts.", out), ("", left_open(state))]


def _numbers(claim: Claim) -> str:
    if claim["kind"] == "rate":
        return ""
    return f"predicted {signed(claim['predicted'] or 0.0)}, measured {signed(claim['measured'] or 0.0)}, "


def _on(claim: Claim, state: State) -> str:
    """What a test was of."""
    how = claim["intervention"] or {}
    if claim["kind"] == "rate":
        over = "paraphrases" if how["over"] == "paraphrases" else "other entities"
        return f"{claim['supernode']} on {over}"
    if how.get("kind") == "swap":
        return f"the swapped {basis_of(state).units}"
    groups = (claim["supernode"] or "").replace(JOINT, " with ")  # in the id of a feature + is its sign
    name = groups or called(subject_of(claim, state), case_of(state))
    factor = how.get("factor", 0.0)
    scaled = f" times {factor:g}".replace("-", "−") if factor else ""
    return f"{name}{scaled}"


def last_said(state: State) -> list[dict[str, Any]]:
    """The sentences a question for evidence is about: the last answer's that is none for evidence."""
    reply = state.get("reply") or {}
    if reply.get("sentences") and reply.get("style") != "evidence":
        return list(reply["sentences"])
    return list(((state.get("report") or {}).get("answer") or {}).get("sentences", []))


def evidence(state: State) -> Parts:
    """The claims behind one sentence of the last answer, one claim by its id, or all that was tested."""
    number = str(state["question"].get("other") or "")
    said = state["question"].get("about") or last_said(state)
    known = {c["id"]: c for c in state.get("claims", [])}
    tests = [c for c in known.values() if c["p"] is not None]
    shown, first = tests, []
    if number in known:
        shown = [known[number]]
    elif number.isdecimal() and 1 <= int(number) <= len(said):
        sentence = said[int(number) - 1]
        shown = [known[name] for name in sentence["claims"] if name in known]
        first = [Sentence(f"The sentence: {quoted(sentence['text'])}", tuple(c["id"] for c in shown))]
    elif number:
        what = "sentence" if number.isdecimal() else "claim"
        note = f"There is no {what} {quoted(number)} in the last answer. This is what was tested:"
        first = [Sentence(note, tuple(c["id"] for c in tests))]
    if not shown:
        claim = prediction_of(state)
        return [("", [Sentence("Nothing has been tested on this text yet.", (claim["id"],))])]
    return [("", first), ("Evidence.", [line for c in shown for line in _rests_on(c, state)])]


def _rests_on(claim: Claim, state: State) -> list[Sentence]:
    """What a claim holds, in sentences that cite it."""
    if claim["kind"] == "effect" and claim["p"] is not None:
        return [tested(claim, subject_of(claim, state), case_of(state))]
    if claim["kind"] == "path":
        return path_walked(state)
    if claim["kind"] == "rate" and claim["p"] is not None:
        rows = claim["rows"] or []
        held = sum(bool(row.get("holds")) for row in rows)
        p, holm = chance(claim["p"]), chance(claim["p_holm"] or 0.0)
        found = f"It does on {held} of {len(rows)} (p = {p}, after Holm {holm}): {claim['verdict']}."
        return [Sentence(f"{claim['text']} {found}", (claim["id"],))]
    return [Sentence(f"{claim['text']} ({claim['verdict']})", (claim["id"],))]
