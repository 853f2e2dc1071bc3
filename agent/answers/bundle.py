"""An answered question as one file: graph, ledger, answer, log, settings, versions; read without a model.

A bundle is JSON, plain or gzipped. What comes from a file is checked before it is used, and its words are
escaped again: a bundle may come from anybody.
"""

import gzip
import hashlib
import io
import json
import re
import zlib
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.answers.bundle_migration import migrate_bundle
from agent.answers.drawing import Drawing
from agent.answers.report import LogLine, Report, ReportedAnswer
from agent.core import (
    LONGEST_TEXT,
    AgentError,
    AnyClaim,
    Case,
    EffectClaim,
    Message,
    RateClaim,
    State,
    Supernode,
    Writing,
    escape_md,
    list_writings,
    unescape_md,
)

VERSION: Literal[2] = 2
MAX_BUNDLE_BYTES = 64 * 2**20
KEPT_STATE_KEYS = (
    "turn",
    "history",
    "question",
    "case",
    "graph",
    "groups",
    "flows",
    "concepts",
    "claims",
    "log",
    "reply",
)
_FOLD = re.compile(r"^<details><summary>[^<>]*</summary>$|^</details>$")
_LEAD = re.compile(r"^(- )?(\*\*(?:[^*\\]|\\.)*\*\*)?(.*)$", re.DOTALL)


class BundleError(AgentError):
    """A file is no bundle, or a broken one."""


class _Cite(BaseModel):
    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    claims: list[Annotated[str, Field(pattern=r"^C\d{1,6}$")]]
    about: list[Annotated[str, Field(pattern=r"^[\w.+@>-]{1,80}$")]]


class _Message(BaseModel):
    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=200_000)]
    cites: list[_Cite] = []
    circuit: Annotated[str, Field(pattern=r"^[0-9a-f]{0,8}$")] = ""
    writing: Writing | None = None

    @model_validator(mode="after")
    def _named(self) -> "_Message":
        """What was written is called W1, W2 …: the name becomes a class on the page."""
        found = list_writings([cast(Message, {"writing": self.writing})])
        if not all(re.fullmatch(r"W\d{1,6}", one["id"]) for one in found):
            raise ValueError("a writing is called W and a number")
        return self


class _KeptState(BaseModel):
    """The types of what a conversation goes on from."""

    model_config = ConfigDict(extra="forbid")
    turn: int = Field(ge=1, le=1_000_000)
    history: list[_Message]
    question: dict[str, Any]
    case: Case
    graph: dict[str, Any]
    groups: list[Supernode] | None
    flows: dict[str, Any] | None
    concepts: dict[str, Any] | None = None
    claims: list[AnyClaim]
    log: list[LogLine] = Field(default_factory=list)
    reply: ReportedAnswer


class Bundle(BaseModel):
    """One explanation with all it rests on, and the conversation around it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["askcircuit-bundle"] = "askcircuit-bundle"
    version: Literal[2] = VERSION
    title: str = Field("", max_length=300)
    settings: dict[str, Any]  # model, nodes, controls, planner: what a run needs to be repeated
    report: Report
    drawing: Drawing
    kept: _KeptState  # the conversation's state

    @model_validator(mode="before")
    @classmethod
    def _present(cls, raw: Any) -> Any:
        return migrate_bundle(raw) if isinstance(raw, dict) and raw.get("version") == 1 else raw

    @property
    def id(self) -> str:
        """A name made from the content alone: the same explanation has the same, whatever it cost."""
        content = self.model_dump(mode="json", exclude={"title": True, "report": {"cost"}})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def history(self) -> list[Message]:
        """What was said, safe to render: only our own headings and list marks are markup."""
        return [escape_message(cast(Message, m.model_dump())) for m in self.kept.history]

    @property
    def state(self) -> State:
        """What a conversation goes on from."""
        kept = self.kept.model_dump(mode="json")
        rest = {"history": self.history, "drawing": self.drawing.plain(), "report": self.report.plain()}
        return cast(State, {**kept, **rest, "features": [], "focus": None, "found": None, "finished": True})

    @property
    def tests(self) -> list[EffectClaim | RateClaim]:
        """Every test of groups in its ledger."""
        claims = self.kept.claims
        return [c for c in claims if isinstance(c, EffectClaim | RateClaim) and c.p is not None]

    @property
    def versions(self) -> dict[str, str]:
        """What made it."""
        return self.report.versions

    def text(self) -> str:
        """The file's content."""
        whole = {**self.model_dump(mode="json"), "drawing": self.drawing.plain()}
        return json.dumps(whole, ensure_ascii=False, allow_nan=False)

    def save(self, file: Path | str) -> None:
        """Write it, gzipped where the name ends in .gz; the file is there whole or not at all."""
        path = Path(file)
        write_bundle(path, self.packed() if path.suffix == ".gz" else self.text().encode())

    def packed(self) -> bytes:
        """The file's content, gzipped; the same each time."""
        return gzip.compress(self.text().encode(), 9, mtime=0)

    def replay(self) -> list[str]:
        """What does not follow from the bundle's own measurements; empty when everything does.

        Runs no model and no planner: p-values, Holm, verdicts, sentences, words and drawing are made again.
        """
        from agent.answers.replay import find_disagreements

        return find_disagreements(self)


def write_bundle(path: Path, content: bytes) -> None:
    """Put a bundle's content in place, whole or not at all; raises BundleError where it cannot be written."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as exc:
        raise BundleError(f"The bundle cannot be written to {path}: {exc.strerror}.") from exc


def make_bundle(state: State, settings: dict[str, Any], title: str = "") -> Bundle:
    """The bundle of a conversation whose last explanation is in `state`; raises AgentError without one."""
    report, drawing = state.get("report"), state.get("drawing")
    if not report or "claims" not in report or not drawing:
        raise AgentError("There is no explanation to keep yet. Ask why about a text first.")
    kept = {name: state.get(name) for name in KEPT_STATE_KEYS}
    drawing = {name: value for name, value in drawing.items() if name != "earlier"}  # not in its ledger
    name = title or f"{report['text']} → {report['question']['answer'].strip()}"
    whole = {"title": name[:300], "settings": settings, "report": report, "drawing": drawing, "kept": kept}
    return _validate_bundle(whole)


def read_bundle(source: Path | str | bytes) -> Bundle:
    """A bundle from a file or its content; raises BundleError with a sentence for anything else."""
    try:
        data = source if isinstance(source, bytes) else _read(Path(source))
        if data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
                data = unpacked.read(MAX_BUNDLE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as exc:
        reason = getattr(exc, "strerror", None) or exc
        of = "" if isinstance(source, bytes) else f" {str(source)!r}"
        raise BundleError(f"The bundle{of} cannot be read: {reason}.") from exc
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleError(f"The bundle is larger than {MAX_BUNDLE_BYTES >> 20} MB, the most that is read.")
    try:
        raw = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise BundleError("The file is not a bundle: it is not valid JSON.") from exc
    if not isinstance(raw, dict) or raw.get("format") != "askcircuit-bundle":
        raise BundleError("The file is not an askcircuit bundle (format: askcircuit-bundle).")
    return _validate_bundle(raw)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BUNDLE_BYTES + 1)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _validate_bundle(raw: dict[str, Any]) -> Bundle:
    try:
        return Bundle.model_validate(raw)
    except (ValidationError, RecursionError) as exc:
        where = ""
        if isinstance(exc, ValidationError):
            first = exc.errors(include_input=False)[0]
            where = f" at {'.'.join(map(str, first['loc'])) or 'the top'}: {first['msg']}"
        raise BundleError(f"The bundle is broken{where}.") from exc


def escape_message(message: Message) -> Message:
    """A message whose words are escaped anew; headings, list marks, folds and line ends stay as they are."""
    if message["role"] == "user":  # shown as typed (`ui.base.chat_messages.render_history`)
        return Message(role="user", content=message["content"])
    lines = []
    for line in message["content"].split("\n"):
        if _FOLD.match(line):  # nothing but a fold: it holds no attribute
            lines.append(line)
            continue
        mark, heading, rest = _LEAD.match(line).groups()  # type: ignore[union-attr]
        head = f"**{escape_md(unescape_md(heading[2:-2]))}**" if heading else ""
        lines.append(f"{mark or ''}{head}{escape_md(unescape_md(rest))}")
    cites = [{**cite, "text": escape_md(unescape_md(cite["text"]))} for cite in message.get("cites", [])]
    tamed = Message(role="assistant", content="\n".join(lines))
    if message.get("writing"):  # its tokens are escaped where they are shown
        tamed["writing"] = message["writing"]
    return {**tamed, "cites": cites, "circuit": message.get("circuit", "")} if cites else tamed
