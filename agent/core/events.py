"""What a session tells whoever listens: plain values, no screen and no tensors."""

from dataclasses import dataclass
from typing import Any

FORESEEN = "foreseen"  # the step that tells what a long text will take: worth keeping on a screen


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step of the loop is under way; `done` runs from 0 to 1, `note` says what was found at 1."""

    step: str
    done: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class QuestionRead:
    """What the message was read as: name and value of each part (asked, text, token, instead of, about …)."""

    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AnswerText:
    """Markdown to append to the answer; `cites` tells its sentences apart (`agent.answers.citations`)."""

    text: str
    cites: tuple[dict[str, Any], ...] = ()
    circuit: str = ""  # the drawing these sentences speak of


@dataclass(frozen=True, slots=True)
class DrawingReady:
    """A circuit to show beside the chat, as plain JSON (`agent.answers.draw_circuit`)."""

    view: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportReady:
    """The whole answer as the JSON object of `askcircuit why --json`."""

    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The question could not be answered; `why` is fit to show a user."""

    why: str


@dataclass(frozen=True, slots=True)
class PermissionNeeded:
    """The question waits: going on would take more than it may; `what` is fit to show a user.

    The next message to the session, yes or no, goes on with it (`Session.go_on`).
    """

    what: str


@dataclass(frozen=True, slots=True)
class TextWritten:
    """The subject writes: all of it so far (`agent.core.Writing`), and what is new of its text.

    `writing` grows in place until `done`: show it when it comes.
    """

    writing: dict[str, Any]
    new: str
    done: bool = False


Event = (
    StepProgress
    | QuestionRead
    | AnswerText
    | DrawingReady
    | ReportReady
    | Failed
    | PermissionNeeded
    | TextWritten
)
