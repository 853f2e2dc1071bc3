"""Where texts, tokens, names and ids of nodes stand in a message. Knows no intent."""

import re
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from agent.questions.patterns_fallback import UNFINISHED
from agent.questions.quoting import ANY_MARK, LiftedMessage

TOKEN_WORDS = 3  # a quoted part of so many words or fewer can be a token or a name
NODE = r"[sl]\d+(?:[./]?[nf]\d+[+-]?(?:@\d+)?)?(?!\w)"
_NAME = r"(?-i:[A-Z][\w'’-]*(?:\.[A-Z]\.?)*(?: (?:(?:of|the|de) )?[A-Z][\w-]*)*)"
GROUPS = r"(?:group|node|feature|neuron|supernode|cluster|circle|box|concept|unit)s?"
CANDIDATE = re.compile(
    rf"(?P<quote>{ANY_MARK})|(?P<node>\b{NODE})"
    rf"|\b(?:the|this|that) (?P<group>(?:(?!(?:the|this|that|of|to|in)\b)[\w-]+ ){{1,3}}?){GROUPS}\b"
    rf"|\b{GROUPS} (?:(?:called|named|for|about) (?P<named>[\w-]+)|(?P<after>(?-i:[A-Z])[\w-]+))"
    rf"|(?P<name>\b{_NAME})|(?P<number>(?<![\w.])-?\d+(?:[.,]\d+)?(?![\w%]))",
    re.I,
)
INTRODUCED = re.compile(
    r"(?:^|\b(?:prompt|text|sentence|input|in|for|after|given|with|put|type|typed|write|wrote|on|completing"
    r"|complete|enter|of|to|is|line|finishing|finishes|under|about)\b:? )(?=(?P<text>(?-i:[A-Z]).*))",
)
NAMED = re.compile(  # what follows a name that opens a sentence, and hardly another word
    r"(?:'s)?\W*$|\?|(?:'s)?[,.]? ?(?:is|was|isn't|wasn't|seems?|would|should|could|has|had|and|or"
    r"|not|got|lost|won|beats?"
    r"|out|off|instead|rather|over|vs|versus|in|to|for|as|why|how|what|group|node|makes?|comes?"
    r"|came|never|does"
    r"|doesn't|didn't|did)\b|'s\b|[,:;.-]",
    re.I,
)
BEFORE_ARROW = re.compile(rf"(?P<text>[^?{ANY_MARK[1:-1]}]{{8,}}?) ?(?:->|→|=>) ?\S")
DETERMINER = re.compile(r"(?:the|an?|my|in|he|she|it|when|fact|if|one|there)\b", re.I)
BREAK = re.compile(
    r"[.?!;:,–—-]+ (?=(?:why|what|how|y|does|did|is|which|where|who|would|could|can|i|it|the model"
    r"|that|model)\b)"
    r"|\? |: |, (?=(?:but|and) )",
    re.I,
)
ASKING = re.compile(
    r"\s*(?:why|what|how|which|does|did|is|are|can|could|would|where|y|i|it|so|the model)\b", re.I
)
TOPICS = frozenset(["capital", "state", "country", "city"])
_OPENING = "given suppose he she they we prompt here there these those arrived doesnt isnt didnt"
_OPENING += " wasnt dont cant wont wouldnt couldnt shouldnt hasnt its thats whats i'd i'm"
OPENING = frozenset(_OPENING.split())


class Candidate(NamedTuple):
    """A piece of the message that may fill a slot, and where it stands."""

    kind: str
    start: int
    end: int


@cache
def shared_words() -> frozenset[str]:
    """The words that questions are made of, whatever they are about."""
    bank = files("agent").joinpath("questions/data/phrasings.txt").read_text(encoding="utf-8")
    asking = bank.split("\n[plain]\n")[0].split("\n[unknown]\n")[0]
    return frozenset(re.findall(r"[a-z']+", re.sub(r"\{\w\}", " ", asking).casefold())) - TOPICS | OPENING


class Spans:
    """The candidates of a message for its slots, and the text it is about, if it holds one."""

    def __init__(self, plain: str, lifted: LiftedMessage) -> None:
        self._plain, self._lifted = plain, lifted
        self.text = self._quoted_text() or self._free_text()
        self._found = [c for c in self._candidates() if not self._within_text(c)]

    def places(self) -> list[tuple[int, int, str]]:
        """Where texts, tokens and names, and nodes stand, in order: start, end and TEXT, WORD or GROUP."""
        found = [(c.start, c.end, self._kind(c)) for c in self._found if c.kind in ("quote", "name", "node")]
        text = self.text
        if text is not None and text != (0, len(self._plain.rstrip(" ?!.;:,"))):
            found.append((*text, "TEXT"))
        return sorted(found)

    def _kind(self, candidate: Candidate) -> str:
        if candidate.kind == "node":
            return "GROUP"
        part = self._lifted.parts.get(self._piece(candidate))
        whole = part is not None and (part.inner is None or len(part.inner.split()) > TOKEN_WORDS)
        return "TEXT" if whole else "WORD"

    def _candidates(self) -> list[Candidate]:
        found = []
        for match in CANDIDATE.finditer(self._plain):
            kind = match.lastgroup or ""
            start, end = match.span(kind)
            if kind == "name" and (start := self._proper(start, end)) < 0:
                continue
            found.append(Candidate("group" if kind in ("after", "named") else kind, start, end))
        return found

    def _proper(self, start: int, end: int) -> int:
        """Where a name begins that does not open with a word of the question; below 0: there is none."""
        opens = start == 0 or self._plain[:start].rstrip()[-1:] in ".?!:;"
        if opens and " " not in self._plain[start:end] and not NAMED.match(self._plain[end:]):
            return -1
        while start < end:
            word = re.match(r"[\w'’-]+", self._plain[start:end])
            if word is None or word[0].casefold().replace("’", "'") not in shared_words():
                return start if word is not None else -1
            start += word.end() + 1
        return -1

    def _within_text(self, candidate: Candidate) -> bool:
        return self.text is not None and self.text[0] <= candidate.start < self.text[1]

    def _quoted_text(self) -> tuple[int, int] | None:
        for match in re.finditer(ANY_MARK, self._plain):
            part = self._lifted.parts.get(match[0])
            if part is None:
                continue
            inner = part.inner
            if (
                inner is None
                or len(inner.split()) > TOKEN_WORDS
                or (len(inner) > 3 and UNFINISHED.search(inner))
            ):
                return match.span()
        return None

    def _free_text(self) -> tuple[int, int] | None:
        """A text that stands without quotation marks beside the question."""
        if (before := BEFORE_ARROW.match(self._plain)) and len(before["text"].split()) > TOKEN_WORDS - 1:
            return before.span("text")
        cuts = [0, *(m.end() for m in BREAK.finditer(self._plain)), len(self._plain)]
        for start, end in pairwise(cuts):
            piece = self._plain[start:end]
            named = [m.start("text") for m in INTRODUCED.finditer(piece)]
            named.sort(key=lambda at: not DETERMINER.match(piece[at:]))
            for at in [*named, 0] if piece[:1].islower() else [0, *named]:
                text = re.sub(r"(?: gives| is completed| outputs| ->| →)?[?!.;:,–— ]+$", "", piece[at:])
                least = 2 if at == 0 or DETERMINER.match(text) else 4
                whole = len(text.split()) > least and not ASKING.match(text) and not re.search(ANY_MARK, text)
                given = self._plain[: start + at].rstrip()[-8:]
                told = len(text.split()) > 4 and given.endswith(
                    (":", "prompt", "sentence", "text", "type", "wrote")
                )
                if whole and (UNFINISHED.search(text) or told) and text[:1].isupper():
                    return start + at, start + at + len(text)
        return None

    def _piece(self, candidate: Candidate) -> str:
        return self._plain[candidate.start : candidate.end]
