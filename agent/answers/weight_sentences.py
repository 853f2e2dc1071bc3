"""What the members of a group have in common, as the next words their weights raise and lower."""

from agent.core import EffectClaim, State, case_of, claim_group, join_words, quote_word
from agent.evidence import Sentence

WORDS = 3  # that are named
LETTERS = 4  # a shorter word says little of what a group has in common


def tell_weights(claim: EffectClaim, state: State) -> list[Sentence]:
    """Which other likely next words a tested group raises and lowers; nothing where these are no words."""
    group, case = claim_group(claim, state), case_of(state)
    named = {case["answer"].strip().casefold(), case["foil"].strip().casefold()}
    parts = []
    for does, tokens in (("raise", group["raises"]), ("lower", group["lowers"])):
        words = [t for t in tokens if len(t.strip()) >= LETTERS and t.strip().isalpha()]
        other = [quote_word(t) for t in words if t.strip().casefold() not in named][:WORDS]
        if len(other) > 1:
            parts.append(f"{does} {join_words(other)}")
    if not parts:
        return []
    text = f"Among the likely next words the weights of {claim.name} also {', and '.join(parts)}."
    return [Sentence(text, (claim.id,))]
