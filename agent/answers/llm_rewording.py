"""An LLM's words for sentences that are already written and checked: which may take their place.

Free words cannot be checked, so these are not free: quotes, ids and numbers stay, in their order, and
between them stand the same telling words (or a synonym listed here) and words that tell nothing.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.core import FEATURE_AT, Claim, find_json_object
from agent.evidence import Sentence, find_faults

MOST = 40  # refusals kept: a storm of them says no more

_FACT = re.compile(rf"“[^”]*”|\b(?:{FEATURE_AT}|[SC]\d+)\b|[+−-]?\d+(?:[.,]\d+)*(?: %)?", re.IGNORECASE)
_VERDICT = re.compile(r"\b(?:supported|partly|inconclusive|refuted|graph-only)\b", re.I)
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_SIGNS = re.compile(r"[^\w\s.,;:()'’=−–…→-]")

# No "from", "to", "for", "most", "without", "then", "so": swapped or added, each would tell something else.
_TELL_NOTHING = """
a an the this that these those it its itself they them their and of in on at by is are was were be been has
have had does do did which who whose what where when while here there about
"""
NEUTRAL = frozenset(_TELL_NOTHING.split())
SAME = {
    word: words.split()[0]
    for words in (
        "removing remove removed removal ablating ablate ablated ablation deleting deleted",
        "changes change changed shifts shift shifted moves moved",
        "scaling scale scaled multiplying multiplied",
        "predicted prediction forecast foreseen expected",
        "matched matching",
        "random randomly",
        "probable likely",
        "carries carry carried",
        "feature features",
        "group groups",
        "layer layers",
        "token tokens",
        "stands stand stood",
        "giving give given",
        "gets got get",
        "lies lie lay sits",
        "says say said",
        "runs run goes",
        "after following",
        "tests test tested testing",
    )
    for word in words.split()
}
_PREDICTED = re.compile(r"\bpredicted(?: (?:was|were|is|to be|of|at))*:? ([+−-]?\d+(?:\.\d+)?(?: %)?)")


class Rewording(NamedTuple):
    """Sentences after an LLM worded them, and why its other proposals were not taken."""

    sentences: list[Sentence]
    refused: list[str]


def check_rewording(
    sentences: Sequence[Sentence], said: str, claims: Sequence[Claim], names: Sequence[str]
) -> Rewording:
    """Take those of the proposed sentences that say just what the written ones say."""
    out, refused, seen = list(sentences), [], set[int]()
    proposals, wrong = _parse_proposals(said)
    refused += wrong
    for proposal in proposals:
        index, new, why = _read(proposal, sentences)
        if not why and index in seen:
            why = "proposed twice"
        if new is not None and not why:
            why = find_difference(new, sentences[index]) or "; ".join(find_faults([new], claims, names))
        if why:
            refused.append(f"the brain's sentence {index + 1 if index >= 0 else '?'}: {why}"[:300])
        elif new is not None:
            seen.add(index)
            out[index] = new
    return Rewording(out, refused[:MOST])


def _parse_proposals(said: str) -> tuple[list[Any], list[str]]:
    """What the reply proposes; a reply that is none is one refusal."""
    found = find_json_object(said)
    sentences = found.get("sentences") if found else None
    if not isinstance(sentences, list):
        return [], ["the brain's words: not an object with sentences"]
    return sentences[:200], []


def _read(proposal: Any, sentences: Sequence[Sentence]) -> tuple[int, Sentence | None, str]:
    """Index, sentence, and what is wrong with its form."""
    if not isinstance(proposal, dict):
        return -1, None, "not an object"
    n, text, cited = proposal.get("n"), proposal.get("text"), proposal.get("claims")
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= len(sentences):
        return -1, None, "there is no such sentence"
    if not isinstance(text, str) or not text.strip() or len(text) > 2 * len(sentences[n - 1].text) + 40:
        return n - 1, None, "no text, or a much longer one"
    if not isinstance(cited, list) or {str(c) for c in cited} != set(sentences[n - 1].claims):
        return n - 1, None, f"it must cite {', '.join(sentences[n - 1].claims)} and nothing else"
    return n - 1, Sentence(text.strip(), sentences[n - 1].claims), ""


def list_facts(text: str) -> list[str]:
    """The quotes, ids and numbers of a sentence, in their order."""
    return _FACT.findall(text)


def list_verdicts(text: str) -> list[str]:
    """The verdicts that a sentence names."""
    return _VERDICT.findall(_FACT.sub(" ", text))


def find_difference(new: Sentence, old: Sentence) -> str:
    """In what a sentence says more, less or something else than the one it would replace."""
    if "\n" in new.text or "\r" in new.text:
        return "it has several lines"
    if list_facts(old.text) != list_facts(new.text):
        return "its quotes, ids and numbers are not those of the sentence, in their order"
    if sign := set(_SIGNS.findall(_FACT.sub(" ", new.text))) - set(_SIGNS.findall(_FACT.sub(" ", old.text))):
        return f"a sign that was not there: {min(sign)!r}"
    for before, after in zip(_gaps(old.text), _gaps(new.text), strict=True):
        if gone := _less(before, after):
            return f"{gone!r} is missing, or stands elsewhere"
        if added := _less(after, before):
            return f"{added!r} is not in the sentence"
        if before != after:
            return f"the order of {' '.join(before)!r} is another"
    if _bindings(old.text) != _bindings(new.text):
        return "another number is called predicted"
    return ""


def _gaps(text: str) -> list[list[str]]:
    """The telling words before, between and behind the facts."""
    return [
        [SAME.get(word, word) for word in _WORD.findall(gap.casefold()) if word not in NEUTRAL]
        for gap in _FACT.split(text)
    ]


def _less(these: list[str], those: list[str]) -> str:
    left = list(those)
    for word in these:
        if word not in left:
            return word
        left.remove(word)
    return ""


def _bindings(text: str) -> list[str]:
    """The numbers said to be predicted: those right behind the word."""
    return _PREDICTED.findall(_WORD.sub(lambda m: SAME.get(m[0].casefold(), m[0]), text))
