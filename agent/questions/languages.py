"""The commonest requests in German, Spanish, French and Chinese, said in English; and other languages.

Each row of `data/languages.txt` is a fixed phrase and the English one that is read in its place. Other
languages are recognised, not read.
"""

import re
from functools import cache
from importlib.resources import files

_OTHER = (
    r"(?:qual (?:é|e|o|a)|o que|como é que"
    r"|perch[eéè]|cosa|quali|come mai|por que|porqu[eê]|porque|quais|waarom|welke|hoe komt|dlaczego|jakie"
    r"|varför|hvorfor|vilka|miksi|proč|neden|miért|de ce)"
)
ASKS_OTHERWISE = re.compile(rf"\W*{_OTHER}\b", re.I)
ASKS_IN_FOUR = re.compile(
    r"\W*(?:warum|wieso|weshalb|welche[rsn]?|wie|was|wer|wo|woran|gilt|kannst du|erkläre?|zeige?|por ?qu[eé]"
    r"|qu[eé]|cu[aá]l(?:es)?|cómo|dónde|muestra|explica|pourquoi|quels?|quelles?|comment|que|où|montre|explique|est-ce)\b",
    re.I,
)
ENGLISH = re.compile(r"\b(?:the|why|what|it|does|did|of|and|how|if|you|this|that|which|say|please)\b", re.I)
LETTERS = {  # scripts that no phrase is written in, and Chinese, which some are
    "Chinese": re.compile("[\u4e00-\u9fff]"),
    "Japanese": re.compile("[\u3040-\u30ff]"),
    "other": re.compile("[\u0370-\u1fff\u0e00-\u0eff\uac00-\ud7af]"),
}
ENDS = ("?", "？", "؟", "か", "の", "吗", "呢")
WHYS = re.compile("なぜ|почему|왜|لماذا|为什么|什么|γιατί|למה", re.I)
_END = r"(?:,? ?(?:bitte|por favor|s'il (?:te|vous) pla[iî]t|stp|svp|请))?[\s?？.!！。]*"
_WORDS = re.compile(r"\b(?:und|y|et|e|和)\b|[和、]")
HELD = re.compile(r"does this hold for|what about")


@cache
def _phrases() -> list[tuple[re.Pattern[str], str]]:
    told = files("agent").joinpath("questions/data/languages.txt").read_text(encoding="utf-8")
    rows = [row.split(" => ") for row in told.splitlines() if " => " in row and not row.startswith("#")]
    start = r"[\s¿¡]*(?:(?:bitte|por favor|und|y|et|请|(?:kannst|könntest) du (?:mir )?(?:bitte )?"
    start += (
        r"(?:sagen|erklären)|sag mir|erklär mir|ich frage mich|(?:me )?puedes (?:decirme|explicarme)|dime"
    )
    start += r"|(?:tu peux|peux-tu|pouvez-vous) (?:me |m')(?:dire|expliquer)|dis-moi),?\s+)?"
    return [(re.compile(rf"{start}{ask.strip()}{_END}", re.I | re.S), said.strip()) for ask, said in rows]


def say_in_english(message: str) -> str | None:
    """The English request that a fixed phrase of another language stands for; None where it is none."""
    if len(message) > 600 or (message.isascii() and ENGLISH.match(message.strip())):
        return None
    for phrase, said in _phrases():
        if found := phrase.fullmatch(message):
            words = [(piece or "").strip(" ?？") for piece in found.groups()]
            if HELD.match(said) and words:
                words[0] = _WORDS.sub(" and ", words[0]).replace("  ", " ")
            english = said
            for n, word in enumerate(words, 1):
                english = english.replace(f"\\{n}", word)
            return re.sub(r" (?:for sentence|as|to|with|at) $|\s+$", "", f"{english} ".replace("  ", " "))
    return None


def asks_in_another_language(message: str) -> bool:
    """Whether a message asks something in a language that is not read."""
    bare = re.sub(r"[\"“”«»„「」'`].*?[\"“”«»「」'`]", "", message).strip()
    letters = [c for c in bare if c.isalpha()]
    if not letters:
        return False
    strange = sum(any(p.match(c) for p in LETTERS.values()) for c in letters)
    if strange > len(letters) / 2:
        return bare.endswith(ENDS) or bool(WHYS.search(bare))
    if ASKS_OTHERWISE.match(bare):
        return not ENGLISH.search(bare)
    asked = bare.endswith("?") or bare.startswith("¿")
    return asked and bool(ASKS_IN_FOUR.match(bare)) and not ENGLISH.search(bare)
