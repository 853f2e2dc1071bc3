"""Sentences on two texts side by side: what each is continued with, and which groups they share."""

from agent.core import (
    ComparisonClaim,
    GroupPair,
    State,
    case_of,
    join_words,
    own_claims,
    percent,
    quote_token,
    show_change,
)
from agent.evidence import Sentence


def write_comparison(state: State) -> list[Sentence]:
    """What two texts are continued with, and which groups they share."""
    case, out = case_of(state), []
    for claim in own_claims(state, ComparisonClaim):
        whole, rows = claim.other, claim.pairs
        first = case["predictions"][0]
        ids = (claim.id,)
        out.append(
            Sentence(
                f"{quote_token(case['text'])} is continued with "
                f"{quote_token(first['token'])} ({percent(first['p'])}), "
                f"{quote_token(whole.text)} with {quote_token(whole.answer)} ({percent(whole.p_answer)}).",
                ids,
            )
        )
        alike = [r for r in rows if r.alike]
        shared, union = sum(r.shared for r in rows), sum(r.union for r in rows)
        if rows and union:
            out.append(
                Sentence(
                    f"{len(alike)} of {len(rows)} groups {'has' if len(alike) == 1 else 'have'} a "
                    f"counterpart in the other text; in all {shared} of {union} features are shared "
                    f"({percent(shared / union)}), at corresponding words.",
                    ids,
                )
            )
        out += _write_pairs(rows, ids)
        if whole.differ:
            words = join_words([quote_token(w) for w in whole.differ])
            out.append(Sentence(f"The texts differ at {words}.", ids))
        elif not whole.same_answer:
            text = "The words of the texts do not line up: nothing can be swapped between them."
            out.append(Sentence(text, ids))
    return out


def _write_pairs(rows: list[GroupPair], ids: tuple[str, ...]) -> list[Sentence]:
    """The groups most alike, and the strongest that only this text has."""
    alike = sorted((r for r in rows if r.alike), key=lambda r: (-r.share, r.group))
    alone = sorted((r for r in rows if not r.alike), key=lambda r: (-abs(r.effect), r.group))
    out = [
        Sentence(
            f"Shared: {r.group} ({r.name}) and the other text's {quote_token(r.other or '')}, {r.shared} of "
            f"{r.union} features.",
            ids,
        )
        for r in alike[:3]
    ]
    out += [
        Sentence(f"Only here: {r.group} ({r.name}), total effect {show_change(r.effect)}.", ids)
        for r in alone[:3]
    ]
    return [*out, Sentence("Shares and effects are read from the graphs, not tested.", ids)] if out else out
