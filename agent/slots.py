"""What fills the slots of a question that no phrase fits: which candidate of a message is which."""

import re
from itertools import pairwise

from agent.intents import Intent
from agent.quotes import ANY_MARK, Lifted
from agent.spans import GROUPS, TOKEN_WORDS, Spans, shared_words
from agent.vocabulary import compiled

Slots = dict[str, str]
POINTING = re.compile(
    r"\b(?:this|that|these|the (?:one|thing|selected|pinned))(?: "
    + GROUPS
    + r"| one)?\b(?! \w+ "
    + GROUPS
    + r")|\bit\b",
    re.I,
)
CONTRAST = re.compile(
    r"(?:,? (?:rather than|instead of|in place of|as opposed to|ahead of|over|versus|vs\.?|(?:and"
    r"|but) not|not"
    r"|than|against)(?: (?:with|to|say|saying))?(?: the)?(?: correct| right)?) $",
    re.I,
)
WANTED = re.compile(
    r"\b(?:should|ought|suppose[d]?|correct|right|actually|truth|true|real|expected|meant|know[s]?|proper"
    r"|but|its|it's|it is|instead of)\b",
    re.I,
)
SAID = re.compile(
    r"\b(?:says?|said|saying|gives?|gave|got|get|outputs?|answer(?:s|ed)?|predict(?:s|ed)?|chose"
    r"|picks?|picked"
    r"|prints?|yields?|spits? out|went (?:for|with)|think(?:s)?|hallucinated|it was) $|-> ?$|→ ?$|=> ?$",
    re.I,
)
TELLS = re.compile(
    r"\b(?:says?|said|saying|gives?|gave|got|get|outputs?|answers?|answered|predicts?|predicted|chose|picks?"
    r"|picked|picking|prints?|yields?|produces?) (?P<word>[\w'-]+)(?! \w+ing\b)",
    re.I,
)
REFUSED = re.compile(
    r"\b(?:not|no|never|n't|reject\w*|against|from|ignor\w+|avoid\w*|skip\w*|rule\w* out)\b", re.I
)
GOAL = re.compile(
    r"\b(?:to|into|say|saying|answer|output|get|for|towards?|with|obtain|of|become) (?:the )?$", re.I
)
PLACES = {
    "after": re.compile(r"\b(?:for|with|by|into|to|and|->|→|becomes?|was|were|is|be)\b", re.I),
    "before": re.compile(
        r"\b(?:instead of|in place of|rather than|wherever|where|over|not)\b|'s place", re.I
    ),
}
PUTTING = re.compile(
    r"\b(?:put|plug|sub|slot|insert|substitut\w*|inject\w*|use|drop|paste|patch\w* in|feed|swap in|try)\b",
    re.I,
)
NUMBERED = re.compile(r"(?P<n>\b[cs]?\d{1,3}|#\d{1,3})(?:st|nd|rd|th)?\b|\b(?P<word>[a-z]+)\b", re.I)
TOPIC = re.compile(
    r"\b(?:about|on|for|of|to|with|like|concerning|regarding|meaning|know(?:s|ing)?|encod\w+|detect\w*"
    r"|stor\w+|represent\w*|handl\w+|topic of):? (?P<topic>(?:the )?[^?!.,]+)",
    re.I,
)
OVER = re.compile(
    r"\b(?:for|with|on|to|about|across|of|like|over|in|try|test|check)\b (?:(?:other|all|every|any"
    r"|more|several"
    r"|different|some|a few|a bunch of|the other) )*(?P<over>[^?!.,]+)",
    re.I,
)
OTHERS = re.compile(
    r"\b(?:other|every|all|any|more|several|different|various|bunch of"
    r"|few) (?:other )?(?P<over>(?!the\b|this\b|of\b"
    r"|it\b|that\b|general)[a-z]\w+)",
    re.I,
)
_NEVER_SAID = "that this it so the a an such what why how to with on in out up me us you be is was at"
_NEVER_SAID += " by from not something anything answer prediction word one here there these those for of"
_NEVER_SAID += " and or my your its when if as more less some any no yes them him her his"
NEVER_SAID = frozenset(_NEVER_SAID.split())
_COMMON = "it this that the same thing in general other you me them these those all"
COMMON = frozenset(_COMMON.split())


class Guess(Spans):
    """The slots of one message, for an intent that was told by its meaning."""

    def of(self, intent: Intent) -> Slots:
        """What fills which slot, as pieces of the message."""
        found = self._by_intent(intent)
        if self._text is not None and intent is not Intent.COMPARE:
            found.setdefault("text", self._plain[slice(*self._text)])
        return {name: piece.strip() for name, piece in found.items() if piece and piece.strip()}

    def _by_intent(self, intent: Intent) -> Slots:
        read = {
            Intent.WHY: lambda: self._answers(one="said"),
            Intent.WHY_NOT: self._refused,
            Intent.MAKE: self._wanted,
            Intent.MISTAKE: self._corrected,
            Intent.USES: self._group,
            Intent.NODE: self._group,
            Intent.INTERVENE: lambda: {**self._group(), **self._change()},
            Intent.SWAP: self._exchanged,
            Intent.PATH: self._ends,
            Intent.COMPARE: self._compared,
            Intent.HOLDS: self._carried,
            Intent.EVIDENCE: self._numbered,
            Intent.SEARCH: self._topic,
        }.get(intent)
        return read() if read else {}

    def _answers(self, one: str) -> Slots:
        tokens = [c for c in self._found if self._is_token(c)]
        said = [m["word"] for m in TELLS.finditer(self._outside())]
        said = [word for word in said if word.casefold() not in NEVER_SAID]
        if said and not tokens:
            return {one: said[0]}
        for first, second in pairwise(tokens):
            if CONTRAST.search(f"{self._plain[first.end : second.start]}"):
                return {"said": self._piece(first), "foil": self._piece(second)}
        if tokens:
            after = [c for c in tokens if SAID.search(self._before(c))]
            return {one: self._piece((after or tokens)[0])}
        left = self._uncommon()
        return {one: left[0]} if left and one == "foil" else {}

    def _refused(self) -> Slots:
        tokens = [c for c in self._found if self._is_token(c)]
        if len(tokens) < 2:
            return self._answers(one="foil")
        said = next((c for c in tokens if SAID.search(self._before(c))), None)
        first, second = tokens[:2]
        if said is None and CONTRAST.search(self._plain[first.end : second.start]):
            between = self._plain[first.end : second.start]
            swap = re.search(r"\bnot\b", between)
            said = first if swap else second
        refused = [c for c in tokens if c != said]
        near = [c for c in refused if REFUSED.search(self._before(c)[-24:])]
        found = {"foil": self._piece((near or refused)[0])}
        return {**found, "said": self._piece(said)} if said is not None else found

    def _wanted(self) -> Slots:
        tokens = [c for c in self._found if self._is_token(c)]
        if not tokens:
            left = self._uncommon()
            return {"foil": left[-1]} if left else {}
        for first, second in pairwise(tokens):
            if CONTRAST.search(self._plain[first.end : second.start]):
                return {"foil": self._piece(first), "said": self._piece(second)}
        goals = [c for c in tokens if GOAL.search(self._before(c))]
        return {"foil": self._piece((goals or tokens)[-1])}

    def _corrected(self) -> Slots:
        tokens = [c for c in self._found if self._is_token(c)]
        wanted = [
            c for c in tokens if WANTED.search(self._before(c)[-40:]) and not SAID.search(self._before(c))
        ]
        wanted = [c for c in wanted if not re.search(r"\bnot $", self._before(c))]
        wanted += [
            c for c in tokens if re.match(r"\W+(?:is|was|would be) (?:right|correct)", self._plain[c.end :])
        ]
        said = [c for c in tokens if c not in wanted]
        found = {"foil": self._piece(wanted[-1])} if wanted else {}
        if said:
            return {**found, "said": self._piece(said[0])}
        told = [m["word"] for m in TELLS.finditer(self._outside())]
        told = [word for word in told if word.casefold() not in NEVER_SAID | shared_words()]
        return {**found, "said": told[0]} if told and tokens else found

    def _group(self) -> Slots:
        pointing = POINTING.search(self._outside())
        if pointing and (" " in pointing[0] or pointing[0].casefold() != "it") and not self._found:
            return {"group": pointing[0]}
        order = ("node", "group", "quote", "name")
        ranked = sorted((c for c in self._found if c.kind in order), key=lambda c: order.index(c.kind))
        if ranked:
            return {"group": self._piece(ranked[0])}
        if left := self._uncommon():
            return {"group": max(left, key=len)}
        if done := compiled(r"\b{verb} (?:the |this )?(<group>[\w'-]+)").search(self._outside()):
            return {"group": done["group"]}
        if word := re.search(r"\b(?:the )?(?:word )?(capital|state|country|city)\b", self._plain, re.I):
            return {"group": word[1]}
        return {"group": pointing[0]} if pointing else {}

    def _change(self) -> Slots:
        """The verb and the amount of an intervention."""
        found: Slots = {}
        if strong := re.search(
            r"\b(?:crank|pump|ramp|push|dial|turn)\w*\b.*?\b(?P<verb>up|down|harder)\b"
            r"|\b(?P<soft>ton\w+ down|damp"
            r"|quiet)|\b(?P<loud>stronger|louder|more|boost|full blast)\b|\b(?P<weak>weaker|less)\b",
            self._plain,
            re.I,
        ):
            down = strong["verb"] == "down" or strong["soft"] or strong["weak"]
            found["verb"] = "turn down" if down else "turn up"
        if verb := compiled(r"\b{verb}").search(self._plain):
            found["verb"] = verb["verb"]
        amount = compiled(
            r"(?:\b(<how>to|by|at|times|with|x|×|\*) ?)(?:a factor of )?(<amount>-?\d{0,15}[.,]?\d{1,15}"
            r" ?(?:%|percent|x|×|times)?|zero|nothing|half|a half|a quarter|twice|two|three|four"
            r"|five|ten)(?!\w)"
        ).search(self._plain)
        amount = amount or compiled(
            r"\b(<amount>twice|half|double|triple|-?\d+(?:[.,]\d+)? ?(?:%|x|times))"
        ).search(self._plain)
        if amount is not None:
            found["amount"] = amount["amount"]
            if amount.groupdict().get("how"):
                found["how"] = amount["how"]
        return found

    def _exchanged(self) -> Slots:
        pair = [c for c in self._found if c.kind != "number"][:2]
        if len(pair) < 2:
            left = self._uncommon()
            if len(left) > 1:
                pieces, between = left[:2], self._plain.partition(left[0])[2].partition(left[1])[0]
                return self._in_order(pieces[0], pieces[1], self._plain.partition(left[0])[0], between)
            return {"group": self._piece(pair[0])} if pair else dict(zip(["group"], left, strict=False))
        first, second = pair
        between = self._plain[first.end : second.start]
        return self._in_order(self._piece(first), self._piece(second), self._before(first), between)

    def _in_order(self, first: str, second: str, before: str, between: str) -> Slots:
        """Which of two is put in the other's place."""
        turned = PLACES["before"].search(between) or (
            PUTTING.search(before) and PLACES["after"].search(between)
        )
        return {"group": second, "other": first} if turned else {"group": first, "other": second}

    def _ends(self) -> Slots:
        pair = [self._piece(c) for c in self._found if c.kind != "number"] or self._uncommon()
        if len(pair) > 1:
            return {"group": pair[0], "other": pair[1]}
        if pair and re.search(
            rf"\b(?:to|into|towards?|behind|reach\w*) (?:the )?{re.escape(pair[0])}", self._plain
        ):
            return {"other": pair[0]}
        return {"group": pair[0]} if pair else {}

    def _compared(self) -> Slots:
        quoted = [c for c in self._candidates() if c.kind == "quote"]
        if len(quoted) > 1:
            return {"text": self._piece(quoted[0]), "other": self._piece(quoted[1])}
        if quoted:
            return {"other": self._piece(quoted[0])}
        return {"other": self._plain[slice(*self._text)]} if self._text else {}

    def _carried(self) -> Slots:
        if others := OTHERS.search(self._outside()):
            return {"other": others["over"]}
        names = [c for c in self._found if c.kind in ("name", "quote")]
        if names:
            return {"other": self._plain[names[0].start : names[-1].end]}
        over = [
            m["over"] for m in OVER.finditer(self._plain) if not set(m["over"].casefold().split()) <= COMMON
        ]
        left = self._uncommon()
        if left:
            return {"other": left[-1]}
        return {"other": over[-1]} if over else {}

    def _numbered(self) -> Slots:
        numbers = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "last"}
        numbers |= {
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
        }
        for match in NUMBERED.finditer(self._plain):
            if match["n"] or match["word"].casefold() in numbers:
                return {"other": match[0]}
        return {}

    def _topic(self) -> Slots:
        if quoted := [c for c in self._found if c.kind == "quote"]:
            return {"other": self._piece(quoted[0])}
        topics = [m["topic"] for m in TOPIC.finditer(self._plain)]
        left = self._uncommon()
        for topic in topics:
            if any(word in topic for word in left):
                return {"other": topic}
        return {"other": left[-1]} if left else {}


def overfull(piece: str, lifted: Lifted) -> bool:
    """Whether a phrase has taken in more than a token or a name: a whole text, or half the question."""
    texts = [part for part in lifted.quoted(piece) if len(part.split()) > TOKEN_WORDS]
    marks, words = len(re.findall(ANY_MARK, piece)), len(piece.split())
    return bool(texts) or marks > 1 or words > 5 or (marks > 0 and words > marks + 3)
