"""What words and signs may not do in a sentence, given the claims it cites. Sees no quotes, no planner."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from agent.core import Claim, TestedClaim, TriedClaim, drop_missing

HOLDING_VERDICTS = {"supported", "partly"}  # verdicts that a word of cause may rest on
VERDICT_WORDS = {  # what a word says of a test -> the verdicts that allow it
    r"supported|confirm\w*|corroborat\w*|validat\w*|verif\w*": {"supported"},
    r"partly|partially": {"partly"},
    r"refut\w*|disprov\w*|falsif\w*|reject\w*|debunk\w*": {"refuted"},
    r"inconclusive": {"inconclusive"},
    r"graph-only": {"graph-only"},
    r"significan\w*": {"supported", "partly"},
}
_SURE = re.compile(
    r"\b(?:pro(?:ves?|ved|ven|of|ving)|certain(?:ly|ty)?|definit\w+|undoubted\w*|conclusive\w*|guarantee\w*"
    r"|unquestionabl\w+|indisputabl\w+|undeniabl\w+|irrefutabl\w+|incontrovertibl\w+|infallibl\w+|surely"
    r"|absolute(?:ly)?|obvious(?:ly)?|(?:no|any|without|beyond)(?: \w+)? (?:doubt|question)|doubtless"
    r"|always|never|must be|demonstrat\w+|establish\w*)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:caus(?:es?|ed|ing|al|ally)|because|due to|owing to|thanks to|driv(?:es?|en|ing)|responsible"
    r"|leads? to|results? in|mediat\w+|carr(?:y|ies|ied)(?! \d)|hinges?|relies|rely|depends?|determines?"
    r"|trigger\w*|produces?|forces?|necessary|sufficient|essential|crucial)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:not|never|neither|nor|hardly|isn['’]t|wasn['’]t|aren['’]t|weren['’]t)(?: \w+){0,2} "
    r"(?:supported|partly|refuted|inconclusive|significant)\b|\bunsupported\b",
    re.IGNORECASE,
)
_UPWARDS = re.compile(
    r"\b(?:increas|rais|boost|strengthen|grow|gain|add)\w*\b[^.;]*?\bby (\d)", re.IGNORECASE
)
_DOWNWARDS = re.compile(
    r"\b(?:decreas|lower|reduc|weaken|shrink|drop|cut|fall)\w*\b[^.;]*?\bby (\d)", re.IGNORECASE
)
_LINK = re.compile(
    r"://|\bwww\.|\b(?:javascript|data|mailto|file):|[<>`]|\]\s*\(|!\[|&(?:#\w+|\w+);|\w@\w+\.\w", re.I
)
_UNITS = "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_UNITS += " seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = {word: value for value, word in zip((0, *range(2, 20)), _UNITS.split(), strict=True)}
NUMBER_WORDS |= {word: value for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True)}
NUMBER_WORDS |= {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12}
NUMBER_WORDS |= {"twice": 2, "thrice": 3, "double": 2, "triple": 3, "half": 0.5, "quarter": 0.25}
NUMBER_WORDS |= {"thirds": 1 / 3, "quarters": 0.25, "fifths": 0.2, "tenths": 0.1, "halves": 0.5}
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_PERCENT = re.compile(r"(?<=\d)\s*(?:%|％|﹪|per\s?cents?\b|pct\b|percentage points?\b)", re.IGNORECASE)
_HYPHENS = re.compile(r"(?<![\w@])-(?=\d)")


def find_strange_characters(bare: str) -> list[str]:
    """Characters that make a sentence read as something else than what is checked."""
    out = []
    for c in dict.fromkeys(bare):
        if not c.isascii() and unicodedata.numeric(c, None) is not None:
            out.append(f"a number in other digits (U+{ord(c):04X})")
        elif c.isalpha() and not unicodedata.name(c, "").startswith("LATIN"):
            out.append(f"a letter of another script (U+{ord(c):04X})")
        elif unicodedata.category(c)[0] == "C" or c in "\u2028\u2029":
            out.append(f"a hidden character (U+{ord(c):04X})")
        elif unicodedata.category(c)[0] == "M":
            out.append(f"a combining sign (U+{ord(c):04X})")
    if _LINK.search(bare):
        out.append("a link, an address or markup")
    return out


def normalise_signs(bare: str) -> str:
    """The sentence with percents and minus signs written as this project writes them."""
    return _HYPHENS.sub("−", _PERCENT.sub(" %", bare))


def find_number_words(bare: str, written: set[str]) -> list[str]:
    """Numbers in words that no cited claim holds; two in a row count as one number nobody wrote."""
    words = _WORD.findall(bare.casefold())
    out = [
        f"the number {word!r} is in no cited claim"
        for word in dict.fromkeys(words)
        if word in NUMBER_WORDS and f"{NUMBER_WORDS[word]:g}" not in written
    ]
    out += [
        f"the number {a} {b!r} is in no cited claim"
        for a, b in pairwise(words)
        if a in NUMBER_WORDS and (b in NUMBER_WORDS or b in {"percent", "per", "times"})
    ]
    return out


def find_overclaims(bare: str, cited: Sequence[Claim]) -> list[str]:
    """Words of certainty, of a verdict or of a cause that the cited claims do not give."""
    out = []
    if found := _SURE.search(bare):
        out.append(f"a word of certainty no verdict gives: {found[0]!r}")
    verdicts = {claim.verdict for claim in cited}
    for words, allowed in VERDICT_WORDS.items():
        found = re.search(rf"\b(?:{words})\b", bare, re.IGNORECASE)
        if found and not verdicts & allowed:
            out.append(f"{found[0]!r} is not the verdict of {_ids(cited)}")
    if found := _NEGATED.search(bare):
        out.append(f"a verdict turned round: {found[0]!r}")
    found = _CAUSE.search(bare)
    tests = [claim for claim in cited if isinstance(claim, TestedClaim)]
    if found and not any(claim.p is not None and claim.verdict in HOLDING_VERDICTS for claim in tests):
        out.append(f"{found[0]!r} speaks of a cause, and no test of {_ids(cited)} found one")
    effects = [change for claim in cited for change in _changes(claim)]
    if effects and (
        (_UPWARDS.search(bare) and max(effects) < 0) or (_DOWNWARDS.search(bare) and min(effects) > 0)
    ):
        out.append(f"the other direction than {_ids(cited)} measured")
    return out


def _changes(claim: Claim) -> list[float]:
    """The measured change of the lead; none where nothing was measured."""
    if isinstance(claim, TriedClaim):
        return [claim.measured]
    return drop_missing(claim.measured) if isinstance(claim, TestedClaim) else []


def _ids(cited: Sequence[Claim]) -> str:
    return ", ".join(claim.id for claim in cited)
