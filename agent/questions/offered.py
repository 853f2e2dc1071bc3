"""How a reading is offered where a message may mean several things: a sentence that says what is done."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from agent.core import TYPED_ID, Intent
from agent.questions.question import Question

SHOWN = 40  # characters of a text that are repeated
UNRESOLVED = frozenset(("it", "this", "that", "one", "them", "these", "those", ""))
SAMPLES = {  # a request of each intent, as it is offered where one may be meant
    Intent.LENGTH: "Explain it simply",
    Intent.WORDS: "Which words mattered?",
    Intent.PATH: "Explain the strongest path",
    Intent.SURE: "How sure are you?",
    Intent.EVIDENCE: "Show the evidence",
    Intent.CONCEPTS: "What does it have in mind?",
    Intent.WHY: "Why does it say that?",
    Intent.HELP: "What can you do?",
    Intent.HOLDS: "Does this hold for other texts?",
}
Say = Callable[[Question], str | None]


def offer(asked: Question) -> str | None:
    """The sentence on the button; None where what would be done lacks a name, or nothing would be done."""
    said = OFFERS[asked.intent](asked) if asked.intent in OFFERS else None
    if said is None or asked.text is None or asked.intent is Intent.COMPARE:
        return said
    text = " ".join(asked.text.split())
    return f"In “{text if len(text) <= SHOWN else text[:SHOWN] + '…'}”: {said}"


def read_back(kept: Mapping[str, Any]) -> Question:
    """A reading as the state keeps it."""
    known = {field.name for field in fields(Question)} - {"intent", "then", "either"}
    return Question(Intent(kept["intent"]), **{name: kept[name] for name in known if name in kept})


def _name(word: str | None) -> str | None:
    word = (word or "").strip()
    if word.casefold() in UNRESOLVED:
        return None
    return word if TYPED_ID.fullmatch(word) else f"“{word}”"


def _with(words: str, slot: str) -> Say:
    """A sentence that names a slot, None without it."""

    def say(asked: Question) -> str | None:
        name = _name(getattr(asked, slot))
        return words.format(name) if name else None

    return say


def _plainly(words: str, named: str = "", slot: str = "group") -> Say:
    """A sentence, another one where the slot is filled."""

    def say(asked: Question) -> str | None:
        name = _name(getattr(asked, slot))
        return named.format(name) if named and name else words

    return say


def _change(asked: Question) -> str | None:
    name = _name(asked.group)
    if name is None:
        return None
    return f"Multiply {name} by {asked.factor:g}" if asked.factor else f"Remove {name}"


def _swap(asked: Question) -> str | None:
    one, other = _name(asked.group), _name(asked.other)
    return f"Replace {one} by {other}" if one and other else None


def _think(asked: Question) -> str | None:
    at = f" at {name}" if (name := _name(asked.group)) else ""
    layer = "" if asked.layer is None else f" in layer {asked.layer}"
    of = _name(asked.other)
    return f"Does it think of {of}{at}{layer}?" if of else f"What does it have in mind{at}{layer}?"


OFFERS: dict[Intent, Say] = {
    Intent.WHY: _plainly(SAMPLES[Intent.WHY], "Why does it say {}?", "said"),
    Intent.WHY_NOT: _with("Why not {}?", "foil"),
    Intent.MAKE: _with("What would make it say {}?", "foil"),
    Intent.USES: _with("Is it using {}?", "group"),
    Intent.NODE: _with("What does {} do?", "group"),
    Intent.INTERVENE: _change,
    Intent.SWAP: _swap,
    Intent.PATH: _plainly(SAMPLES[Intent.PATH]),
    Intent.WORDS: _plainly(SAMPLES[Intent.WORDS]),
    Intent.COMPARE: _with("Compare it with {}", "other"),
    Intent.HOLDS: _plainly(SAMPLES[Intent.HOLDS], "Does this hold for {}?", "other"),
    Intent.MISTAKE: _plainly("Why is the answer wrong?", "Why is it wrong, and not {}?", "foil"),
    Intent.SURE: _plainly(SAMPLES[Intent.SURE]),
    Intent.EVIDENCE: _plainly(SAMPLES[Intent.EVIDENCE], "Show the evidence for {}", "other"),
    Intent.CONCEPTS: _think,
    Intent.LAYER: _plainly("Which layer knows the answer first?"),
    Intent.LENGTH: _plainly("Tell the same answer in another way", "Tell the same answer: {}", "other"),
    Intent.SEARCH: _with("Search features about {}", "other"),
    Intent.UNDO: _plainly("Go back to the earlier text", "Go back to {}", "other"),
    Intent.EXPORT: _plainly("Save the answer as a file"),
    Intent.METHOD: _plainly("Explain how the method works", "Explain what {} means", "other"),
    Intent.STEER: _plainly("Say what is tested next"),
    Intent.HELP: _plainly(SAMPLES[Intent.HELP]),
}
