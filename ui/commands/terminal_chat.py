"""The chat in a terminal: questions, and texts for the model to write on."""

from typing import TYPE_CHECKING

from ui.base import Refused, answer_console, check_text, stream_events
from ui.commands.write import stream_writing

if TYPE_CHECKING:
    from agent import Event, Session

WRITE = "/write"
TERMINAL_HINT = (
    "Ask why the model said something. “/write TEXT” lets it write on, or answer; “/write” alone goes on "
    "with that; “why did it say WORD?” explains a word of it. An empty line ends the chat."
)


def chat_in_terminal(session: "Session") -> None:
    """Chat in the terminal until the input ends."""
    from agent import QuestionRead, ReportReady
    from ui.base import render_answer, render_markdown, render_message, render_reading_line, with_waiting

    out = answer_console()
    for message in with_waiting(session.history()[-4:], session.unfinished()):
        out.print(render_message(message))
    out.print(TERMINAL_HINT, style="dim", markup=False)
    while line := read_line():
        if line.startswith(WRITE) and (line[len(WRITE) :] or " ")[0] == " ":
            write_in_terminal(session, line[len(WRITE) + 1 :])
            continue
        parts: list[str] = []
        report = None
        try:
            for event in stream_events(session, {"message": line}):
                if isinstance(event, ReportReady):
                    report = event.report
                elif isinstance(event, QuestionRead):
                    out.print(render_reading_line(event.parts), style="dim")
                else:
                    parts.append(words_of(event))
            out.print(render_answer(report, detail=False) if report else render_markdown("".join(parts)))
            for number, choice in enumerate(session.choices(), 1):
                out.print(f"{number}  {choice}", style="dim", markup=False)
        except Refused as exc:
            out.print(str(exc), markup=False)
        except KeyboardInterrupt:
            out.print("Stopped. “go on” goes on from there.")


def words_of(event: "Event") -> str:
    """What an event has to say, as markdown; most say nothing."""
    from agent import AnswerText, PermissionNeeded, TextWritten, tell_writing

    if isinstance(event, AnswerText):
        return event.text
    if isinstance(event, TextWritten) and event.done:
        return tell_writing(event.writing)  # type: ignore[arg-type]
    return event.what if isinstance(event, PermissionNeeded) else ""


def write_in_terminal(session: "Session", text: str) -> None:
    """Let the model write behind a text or a message, or go on with what it wrote last."""
    from agent import WriteRequest

    try:
        stream_writing(session, WriteRequest(text), show=True)
    except Refused as exc:
        answer_console().print(str(exc), markup=False)
    except KeyboardInterrupt:
        answer_console().print("Stopped.")


def read_line() -> str:
    """What the user types next; nothing when the input has ended."""
    try:
        line = input("> ")
    except EOFError:
        return ""
    check_text(line)
    return line if line.strip() else ""
