"""What the commands share: a workspace for as long as it is needed, progress, checks of what was typed."""

import json
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from agent import Event, Session, Settings, Workspace

ModelOption = Annotated[str | None, typer.Option("--model", help="embedded, a Hugging Face id, or a folder.")]

BrainOption = Annotated[
    str | None,
    typer.Option("--brain", help="What decides: rules, llm, or a baseline, one-shot or text-only."),
]
TranscodersOption = Annotated[
    str | None,
    typer.Option("--transcoders", help="Trace these features, not neurons: a folder or a hub id."),
]


Overwrite = Annotated[bool, typer.Option("--overwrite", help="Write over what is there already.")]


class Refused(Exception):
    """What the user asked cannot be done; the text is one clear sentence."""


def settings_from_options(**explicit: Any) -> "Settings":
    """The settings, from arguments and the environment."""
    from agent import read_settings

    return read_settings(**explicit)


@contextmanager
def load_workspace(
    model: str | None, brain: str | None = None, transcoders: str | None = None, *, lens: bool = False
) -> "Iterator[Workspace]":
    """A workspace with the model (and transcoders) loaded; what it loads is shown on a terminal's stderr.

    With `lens`, a concept lens that is still to be made is waited for: nobody can ask again later.
    """
    settings = settings_from_options(model=model, brain=brain, transcoders=transcoders)
    settings.planner_name  # noqa: B018 - a brain that cannot be used is refused before the model is loaded
    with progress_console().status("Loading …") as status:
        from agent import open_workspace

        workspace = open_workspace(settings, lambda what, done: status.update(f"Loading {what} {done:.0%}"))
    try:
        if lens:
            _wait_for_lens(workspace)
        yield workspace
    finally:
        workspace.close()


def _wait_for_lens(workspace: "Workspace") -> None:
    with progress_console().status("Looking for a concept lens …") as status:
        workspace.wait_for_lens(lambda what, done: status.update(f"Making {what} {done:.0%}"))


def can_reply() -> bool:
    """Whether somebody at a terminal can be asked something."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def stream_events(session: "Session", question: dict[str, Any] | None) -> "Iterator[Event]":
    """The events of an answer; the work shows on a terminal's stderr, a failure is Refused.

    Without a question it goes on with the one that was cut off.
    """
    cancel = threading.Event()
    events = session.go_on(cancel=cancel) if question is None else session.ask(**question, cancel=cancel)
    yield from told(events, cancel)


def told(events: "Iterator[Event]", cancel: threading.Event) -> "Iterator[Event]":
    """The events of any work of a session, as `stream_events`; `cancel` is set when nobody listens."""
    from agent import FORESEEN, Failed, StepProgress
    from ui.base.terminal import render_step

    with progress_console().status("Thinking …") as status:
        try:
            for event in events:
                if isinstance(event, Failed):
                    raise Refused(event.why)
                if isinstance(event, StepProgress) and event.step == FORESEEN:
                    status.console.print(escape_rich(event.note), style="dim")
                elif isinstance(event, StepProgress):
                    status.update(escape_rich(render_step(event.step, event.done, event.note)))
                else:
                    yield event
        finally:
            cancel.set()


def answer_console() -> "Console":
    """Where answers go: wide enough for the table when it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 110, highlight=False)


def progress_console() -> "Console":
    """Where progress goes: stderr, and only where somebody watches."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def escape_rich(text: str) -> str:
    """Text that rich shows as it is."""
    from rich.markup import escape

    return escape(text)


def print_json(value: dict[str, Any]) -> None:
    """One object on stdout, UTF-8 whatever the locale is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(format_json_line(value))
    sys.stdout.buffer.flush()


def format_json_line(report: dict[str, Any]) -> bytes:
    """The report as one line of JSON."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def check_text(text: str | None) -> None:
    """Refuse what cannot be a text: bytes that are not UTF-8 come in as lone surrogates."""
    try:
        (text or "").encode()
    except UnicodeEncodeError as exc:
        raise Refused("The text is not valid UTF-8; give it in UTF-8.") from exc


def check_some_text(text: str) -> None:
    """Refuse an empty text too, before the model is loaded for nothing."""
    check_text(text)
    if not text.strip():
        raise Refused("The text is empty: give at least one word.")


def named_path(given: str, option: str) -> Path:
    """The path an option names; nothing is no folder, and is not the one we are in."""
    if not given.strip():
        raise Refused(f"{option} is empty: give a name.")
    return Path(given)


def check_new_file(path: Path, option: str, *, overwrite: bool = False) -> None:
    """Refuse a file that cannot be written, or is there already, before the work is done for nothing."""
    if not path.name or path.is_dir():
        raise Refused(f"{option} is a folder or empty: give the name of a file.")
    if path.exists() and not overwrite:
        raise Refused(f"The file {str(path)!r} is there already: give another name, or --overwrite.")
    if not path.parent.is_dir():
        raise Refused(f"The file {str(path)!r} cannot be written: there is no such folder.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as exc:
        raise Refused(f"The file {str(path)!r} cannot be written ({exc.strerror or exc}).") from exc


def check_no_answer(folder: Path, names: Iterable[str]) -> None:
    """Refuse a folder that holds an answer already: what was found before is not lost to a second run."""
    if there := [name for name in names if (folder / name).exists()]:
        raise Refused(
            f"The folder {str(folder)!r} holds an answer already ({there[0]}): give another folder, or "
            "--overwrite."
        )


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written, before the work is done for nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        reason = exc.strerror or exc
        raise Refused(f"The folder {str(folder)!r} cannot be written ({reason}).") from exc
