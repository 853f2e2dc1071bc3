"""Sentences on a graph file, each resting on a claim of its own, and the report they stand in.

Names and labels come from whoever made the file: they are quoted, shortened and never obeyed.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.core import Claim, Unsupported, escape_md, plain_claim, quote_token
from agent.evidence import Sentence, find_faults, new_claim

if TYPE_CHECKING:
    from tracer import GraphFile

LONG = 80  # characters of a text; of a longer one the end is shown


class FileSentences:
    """What is said of one file so far, under headings."""

    def __init__(self, graph: "GraphFile", notes: tuple[str, ...] = ()) -> None:
        self.graph, self.notes = graph, (*graph.notes, *notes)
        self.tokens = graph.shown_tokens
        self.model = str(graph.own.get("model") or graph.scan or "an unnamed model")
        self.maker = _maker(graph.details)
        self.claims: list[Claim] = []
        self.paragraphs: list[tuple[str, list[Sentence]]] = []

    def say(self, heading: str, text: str, numbers: list[float], **known: Any) -> None:
        """Add a sentence with the numbers in it; `known` goes into its claim."""
        claim = new_claim(self.claims, 1, text=text, numbers=numbers, verdict="graph-only", **known)
        self.claims.append(claim)
        sentence = Sentence(text, (claim.id,))
        if self.paragraphs and self.paragraphs[-1][0] == heading:
            self.paragraphs[-1][1].append(sentence)
        else:
            self.paragraphs.append((heading, [sentence]))

    def say_origin(self) -> None:
        """Where all of this is from, and what was put right."""
        by = f", made by {quote_text(self.maker)}" if self.maker else ""
        text = (
            f"This is read from the graph file {quote_text(self.graph.slug)} of {quote_text(self.model)}"
            f"{by}. The model is not here, so nothing was tested: every statement below is graph-only."
        )
        self.say("From a file.", text, [])
        for note in self.notes:
            self.say("From a file.", note, [float(n) for n in re.findall(r"\d+", note)])

    def say_how_to_test(self) -> None:
        """What to do with all of this."""
        text = "To test any of this, trace the text on the model itself (askcircuit why TEXT, with --model)."
        self.say("How complete.", text, [])

    def report(self, groups: Sequence[str] = (), **found: Any) -> dict[str, Any]:
        """The object of `askcircuit why --json` with what was found; the ledger checks every sentence.

        `groups` are ids that sentences may name.
        """
        sentences = [s for _, group in self.paragraphs for s in group]
        if wrong := find_faults(sentences, self.claims, groups):
            raise Unsupported(f"The answer was not supported by the ledger: {wrong[0]}.")
        return {
            "text": self.graph.prompt,
            "model": self.model,
            "source": {"slug": self.graph.slug, "scan": self.graph.scan, "made_by": self.maker},
            "tokens": self.tokens,
            **found,
            "pinned": list(self.graph.pinned),
            "claims": [plain_claim(claim) for claim in self.claims],
            "tests_run": 0,
            "answer": {
                "markdown": "\n\n".join(_markdown(*paragraph) for paragraph in self.paragraphs),
                "sentences": [{"text": s.text, "claims": list(s.claims)} for s in sentences],
            },
            "notes": list(self.notes),
            "log": [],
            "cost": {"seconds": 0.0, "forward_passes": 0, "rows": 0},
        }


def quote_text(text: str, most: int = 90) -> str:
    """Text of the file between our quotes, on one line, not too long, with no such quotes of its own."""
    text = text.replace("“", '"').replace("”", '"')
    return quote_token(text if len(text) <= most else f"{text[:most]}…")


def quote_end(text: str) -> str:
    """The end of a text between our quotes."""
    return quote_text(text if len(text) <= LONG else f"…{text[2 - LONG :]}")


def _maker(details: dict[str, Any]) -> str:
    """Which program made the file, where it says so."""
    info = details.get("info")
    maker = info.get("generator") if isinstance(info, dict) else None
    if not isinstance(maker, dict):
        return ""
    parts = (maker.get("name"), maker.get("version"))
    return " ".join(part for part in parts if isinstance(part, str) and part)


def _markdown(heading: str, sentences: list[Sentence]) -> str:
    return f"**{escape_md(heading)}** " + " ".join(escape_md(s.text) for s in sentences)
