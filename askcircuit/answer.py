"""What a question gave: words, tables, a circuit, a file; and the conversation it can be asked on in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from agent import AgentError, read_bundle, unescape_md
from askcircuit.circuit import HEIGHT, Circuit
from ui.reports import circuit_page, framed, render_bundle_html, render_bundle_markdown, words_as_html

if TYPE_CHECKING:
    from agent import Bundle
    from askcircuit.tables import Table

KINDS = (".json", ".json.gz", ".html", ".md", ".txt")
_BOLD = re.compile(r"(?<!\\)\*\*")


class Conversation(Protocol):
    """Where an answer was given, and more can be asked about it. All raise AgentError with a sentence."""

    def ask(self, message: str) -> "Answer":
        """The answer to a follow-up."""

    def scale(self, group: str, factor: float) -> "Answer":
        """What happens when activations are multiplied."""

    def swap(self, group: str, other: str) -> "Answer":
        """What happens with another word's activations."""


@dataclass(frozen=True, repr=False)
class Answer:
    """One answer: prints as text; in a notebook it shows its words beside the circuit.

    Taken when the answer was given: what is asked later does not change it.
    """

    markdown: str
    json: dict[str, Any]  # what `askcircuit why --json` prints; of a follow-up in words: answer and claims
    graph: Circuit
    message: Mapping[str, Any] = field(default_factory=dict)  # as the conversation keeps it, with citations
    bundle: "Bundle | None" = None  # the explanation as a file, with all it rests on
    conversation: Conversation | None = None

    @property
    def text(self) -> str:
        """The words, without markup."""
        plain = unescape_md(_BOLD.sub("", self.markdown)).replace("\u00a0", " ")
        return "\n".join(line.rstrip() for line in plain.strip().split("\n"))

    @property
    def groups(self) -> "Table":
        """The groups of features (supernodes), by id: name, place, share, measured effect, verdict."""
        return self.graph.groups

    @property
    def features(self) -> "Table":
        """The features of the pruned graph, by id: place, label, activation, influence, effect, group."""
        return self.graph.features

    @property
    def edges(self) -> "Table":
        """The strongest edges of the pruned graph: source, target, weight, and what both ends are."""
        return self.graph.edges

    @property
    def claims(self) -> "Table":
        """The evidence, a claim a row, by id: predicted, measured, controls, p, verdict."""
        from askcircuit.tables import claims_table

        return claims_table(self.json["claims"])

    def ask(self, message: str) -> "Answer":
        """Ask on about this answer, in plain English: "what if you remove S2?". Raises AgentError."""
        return self._there().ask(message)

    def remove(self, group: str) -> "Answer":
        """Test what happens without a group (S2, its name) or features (ids). Raises AgentError."""
        return self._there().scale(group, 0.0)

    def scale(self, group: str, factor: float) -> "Answer":
        """Test what happens when its activations are multiplied by `factor`. Raises AgentError."""
        return self._there().scale(group, factor)

    def swap(self, group: str, other: str) -> "Answer":
        """Test what happens with the activations that another word or text brings. Raises AgentError."""
        return self._there().swap(group, other)

    def _there(self) -> Conversation:
        if self.conversation is None:
            raise AgentError(
                "This answer was read from a file without a model. To ask on, read it in a session: "
                "askcircuit.open().read(path)."
            )
        return self.conversation

    def save(self, path: str | Path) -> Path:
        """Write it: .html (a page), .md, .txt, or .json and .json.gz (a bundle, which opens again anywhere).

        Raises AgentError for other endings and where the file cannot be written.
        """
        path = Path(path)
        kind = next((kind for kind in KINDS if path.name.endswith(kind)), None)
        if kind is None:
            raise AgentError(f"An answer is saved as {', '.join(KINDS)}; {path.name!r} is none of these.")
        if kind == ".txt":
            return _write(path, f"{self.text}\n")
        if self.bundle is None:
            raise AgentError("There is no explanation to keep yet. Ask why about a text first.")
        if kind in (".html", ".md"):
            return _write(
                path,
                render_bundle_html(self.bundle) if kind == ".html" else render_bundle_markdown(self.bundle),
            )
        self.bundle.save(path)
        return path

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        tests = sum(claim.get("p") is not None for claim in self.json["claims"])
        return f"<Answer about “{self.graph.data.get('text', '')}”: {tests} tests; print it for the words>"

    def _repr_markdown_(self) -> str:
        return self.markdown

    def _repr_html_(self) -> str:
        """The words beside the circuit, as on the page; the words alone where nothing was traced."""
        said = self.message or {"content": self.markdown}
        if self.graph.is_empty:
            return words_as_html(said)
        return framed(circuit_page(self.graph.data, said), HEIGHT)


@dataclass(frozen=True, repr=False)
class Trace:
    """A pruned attribution graph with named groups, of which nothing has been tested."""

    graph: Circuit
    write: Callable[[Path], dict[str, Any]]  # the file for other tools; gives what was written, in numbers

    @property
    def groups(self) -> "Table":
        """The groups of features (supernodes), by id."""
        return self.graph.groups

    @property
    def features(self) -> "Table":
        """The features of the pruned graph, by id."""
        return self.graph.features

    @property
    def edges(self) -> "Table":
        """The strongest edges of the pruned graph."""
        return self.graph.edges

    def save(self, path: str | Path) -> Path:
        """Write the graph as circuit-tracer and Neuronpedia read it (.json). Raises AgentError."""
        path = Path(path)
        self.write(path)
        return path

    def __repr__(self) -> str:
        return repr(self.graph).replace("<Circuit", "<Trace")

    def _repr_html_(self) -> str:
        return self.graph._repr_html_()


def read(path: str | Path) -> Answer:
    """An answer that was saved as a bundle (.json, .json.gz), without a model. Raises AgentError."""
    return make_answer(read_bundle(path), None)


def make_answer(bundle: "Bundle", conversation: Conversation | None) -> Answer:
    """The last answer of a bundle, to be asked on in `conversation`."""
    said = next(message for message in reversed(bundle.history) if message["role"] == "assistant")
    graph = Circuit(bundle.drawing.plain())
    return Answer(said["content"], bundle.report.plain(), graph, said, bundle, conversation)


def _write(path: Path, content: str) -> Path:
    """The file, whole or not at all; raises AgentError."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(content, encoding="utf-8")
        part.replace(path)
    except OSError as exc:
        raise AgentError(f"The answer cannot be written to {str(path)!r}: {exc.strerror or exc}.") from exc
    return path
