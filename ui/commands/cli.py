"""The command line: reads arguments, shows what a session says. Heavy imports come last."""

import errno
import json
import os
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ui.base import (
    BrainOption,
    ModelOption,
    Overwrite,
    Refused,
    TranscodersOption,
    answer_console,
    can_reply,
    check_folder,
    check_no_answer,
    check_text,
    load_workspace,
    named_path,
    print_json,
    progress_console,
    settings_from_options,
    stream_events,
)
from ui.commands.compare import compare
from ui.commands.concepts import concepts, lenses, swap
from ui.commands.features import features
from ui.commands.graphs import explain_file, graphs, trace
from ui.commands.investigate import investigate, replay
from ui.commands.terminal_chat import chat_in_terminal
from ui.commands.write import write

if TYPE_CHECKING:
    from agent import Event, Settings, Workspace

STOPPED = 130
ANSWER_FILES = ("report.json", "answer.md", "drawing.json")
WHY = "why-"  # how the conversations of one question are called
app = typer.Typer(
    name="askcircuit",
    help="Ask a language model why it said that.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(features, name="features")
app.add_typer(graphs, name="graph")
app.add_typer(lenses, name="lens")
app.command()(compare)
app.command()(concepts)
app.command()(swap)
app.command()(trace)
app.command()(investigate)
app.command()(replay)
app.command()(write)


@app.command("agent")
def show_agent(
    draw: Annotated[bool, typer.Option("--draw", help="Print the loop as a mermaid diagram.")] = False,
) -> None:
    """Show how the agent works: its planner and the actions it goes to and comes back from."""
    from agent import draw_loop

    if not draw:
        raise Refused("Say what to show: --draw prints the loop as a mermaid diagram.")
    typer.echo(draw_loop())


@app.callback(invoke_without_command=True)
def nothing_asked(context: typer.Context) -> None:
    """Ask a language model why it said that."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def why(  # noqa: PLR0913 - an option each
    text: Annotated[str, typer.Argument(help="Text whose next token to explain.")] = "",
    said: Annotated[str | None, typer.Option(help="The token to explain.")] = None,
    rather_than: Annotated[str | None, typer.Option(help="The token to compare with.")] = None,
    ask: Annotated[str, typer.Option(help="The question in your own words.")] = "",
    since: Annotated[
        str, typer.Option(help="Of a long text, look at what stands from this piece of it on.")
    ] = "",
    model: ModelOption = None,
    brain: BrainOption = None,
    transcoders: TranscodersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    detail: Annotated[bool, typer.Option("--detail", help="Also print what the answer rests on.")] = False,
    out: Annotated[
        str | None, typer.Option(help="Folder for report.json, answer.md and drawing.json.")
    ] = None,
    overwrite: Overwrite = False,
    graph: Annotated[Path | None, typer.Option(help="Explain this graph file, without a model.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last why that was cut off, behind its last step.")
    ] = False,
) -> None:
    """Explain why the model continues TEXT as it does."""
    if graph is not None:
        explain_file(graph, as_json)
        return
    if not resume and not text.strip():
        raise Refused("The text is empty: give the text to explain, or a graph file with --graph.")
    folder = None if out is None else named_path(out, "--out")
    if folder is not None:
        check_folder(folder)
        if not overwrite:
            check_no_answer(folder, ANSWER_FILES)
    for piece in (text, said, rather_than, ask, since):
        check_text(piece)
    question = {"message": ask, "text": text, "said": said, "foil": rather_than}
    with load_workspace(model, brain, transcoders, lens=True) as workspace:
        if since:
            workspace.look_from(text, since=since)
        report, view = asked_once(workspace, None if resume else question)
    write_answer(report, view, folder, as_json, detail=detail)


def asked_once(
    workspace: "Workspace", question: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The report and the drawing of one question, or of the last one that was cut off; no conversation."""
    from agent import DrawingReady, PermissionNeeded, ReportReady, Session

    thread = f"{WHY}{uuid.uuid4().hex}"
    if question is None:
        last = workspace.conversations.last_open_question(WHY)
        if last is None:
            raise Refused("No why was cut off: there is nothing to go on with. Give a text.")
        thread = last.thread
    session = Session(workspace, thread, asks=can_reply())
    report, view = None, None
    events: Iterator[Event] | None = stream_events(session, question)
    try:
        while events is not None:
            asks = None
            for event in events:
                if isinstance(event, ReportReady):
                    report = event.report
                elif isinstance(event, DrawingReady):
                    view = event.view
                elif isinstance(event, PermissionNeeded):
                    asks = event
            events = stream_events(session, {"message": consent(asks.what)}) if asks else None
    finally:
        session.forget()
    return report, view


def consent(what: str) -> str:
    """Yes or no, from whoever sits at the terminal."""
    return "yes" if typer.confirm(what, err=True) else "no"


def write_answer(
    report: dict[str, Any] | None,
    view: dict[str, Any] | None,
    out: Path | None,
    as_json: bool,
    *,
    detail: bool,
) -> None:
    """Put an answer where it was asked for: into a folder, on stdout as JSON or as text."""
    if report is None:
        raise Refused("The question was answered without an explanation to report.")
    if out is not None:
        save_answer(out, report, view)
    if as_json:
        print_json(report)
    else:
        from ui.base import render_answer

        answer_console().print(render_answer(report, detail=detail))


@app.command()
def chat(
    port: Annotated[int | None, typer.Option(help="Port of the page; 7860 by default.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Chat in this terminal.")] = False,
    thread: Annotated[str, typer.Option(help="Conversation to go on with, in a terminal.")] = ("terminal"),
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """Open the chat: a page with the circuit beside it, or a terminal."""
    settings = settings_from_options(model=model, transcoders=transcoders, host=host, port=port)
    if terminal:
        from agent import Session

        with load_workspace(model, transcoders=transcoders) as workspace:
            chat_in_terminal(Session(workspace, thread, asks=True))
        return
    check_port(settings.host, settings.port)
    settings.planner_name  # noqa: B018 - a brain that cannot be used is refused before the page is there
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
    from agent import share_memory

    share_memory()
    from ui.base import ModelLoader
    from ui.page import serve
    from ui.server import exit_process, serve_until_signal

    opening = ModelLoader(partial(open_workspace_late, settings))  # the page is there before the model is
    try:
        server, address = serve(opening, settings.host, settings.port, settings)
    except OSError as exc:
        if exc.filename is None:
            raise
        raise Refused(
            f"The page keeps temporary files in '{exc.filename}', which cannot be written. Set "
            "GRADIO_TEMP_DIR to a folder that can be."
        ) from exc
    progress_console().print(f"askcircuit is open at {address} (Ctrl-C closes it).", markup=False)
    try:
        serve_until_signal(server, opening)
    except SystemExit:  # SIGTERM, and all is closed
        exit_process()


def open_workspace_late(settings: "Settings", progress: Callable[[str, float], None]) -> "Workspace":
    """Open the workspace; what it needs is imported here, in the thread that waits for it."""
    from agent import open_workspace

    return open_workspace(settings, progress)


@app.command()
def mcp(
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP, not on stdin and stdout.")] = False,
    port: Annotated[int | None, typer.Option(help="Port, with --http; 7860 by default.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, with --http.")] = None,
    model: ModelOption = None,
) -> None:
    """Serve the same verbs to machines, by the Model Context Protocol."""
    settings = settings_from_options(model=model, host=host, port=port)
    settings.planner_name  # noqa: B018 - as in chat
    if http:
        check_port(settings.host, settings.port)
    from ui.base import ModelLoader
    from ui.machines import check_open, serve_http, serve_stdio

    if http:
        check_open(settings)
    opening = ModelLoader(
        partial(open_workspace_late, settings)
    )  # a client may greet before the model is there
    if http:
        from ui.server import exit_process

        try:
            serve_http(settings, opening, lambda line: progress_console().print(line, markup=False))
        except SystemExit:
            exit_process()
    else:
        serve_stdio(settings, opening)


@app.command()
def doctor(
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Length of a text to trace.")] = None,
    check: Annotated[
        bool, typer.Option(help="Load the model that is named and trace a short text with it.")
    ] = True,
) -> None:
    """Say what is installed, where things are kept, what is set, what a model would need and if it is fit."""
    from ui.base import check_model, estimate_trace_cost, run_checks

    settings = settings_from_options(model=model, transcoders=transcoders)
    lines = list(run_checks(settings))
    if model is not None or settings.transcoders is not None or tokens is not None:
        lines += ["", *estimate_trace_cost(settings, tokens)]
    show = partial(answer_console().print, markup=False, highlight=False, soft_wrap=True)
    show("\n".join(lines))
    if check and (model is not None or settings.transcoders is not None):
        with progress_console().status("Loading …") as status:
            found = list(check_model(settings, lambda done: status.update(f"Loading model {done:.0%}")))
        show("\n".join(found))


def main() -> NoReturn:
    """Run the command line; a failure is one sentence and exit code 2."""
    # read when torch is imported: idle threads that spin cost 4 to 10 times where the cores are shared
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # no locale is too poor
    sys.exit(run_command())


def run_command() -> int:
    """The exit code of one command."""
    try:
        code = app(standalone_mode=False, prog_name="askcircuit")
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except BrokenPipeError:  # `askcircuit … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as exc:
        typer.echo(f"askcircuit: {explain_failure(exc)}", err=True)
        return 2
    if code == STOPPED:  # typer turns Ctrl-C into this code itself
        typer.echo("Stopped.", err=True)
    return code if isinstance(code, int) else 0


def explain_failure(exc: Exception) -> str:
    """What to tell the user about an expected failure; anything else goes on as it came."""
    from agent import AgentError

    if isinstance(exc, (AgentError, Refused)):
        return str(exc)
    if usage := getattr(exc, "format_message", None):  # typer's own, wherever it keeps the class
        return f"{usage().rstrip('.')}. Try 'askcircuit --help'."
    raise exc


def check_port(host: str, port: int) -> None:
    """Refuse a port that is taken, before the model is loaded for nothing."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as exc:
        raise Refused(explain_listen_error(host, exc)) from exc
    try:
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        if exc.errno == errno.EADDRNOTAVAIL:
            raise Refused(explain_listen_error(host, exc)) from exc
        reason = exc.strerror or exc
        raise Refused(f"Port {port} on {host} cannot be used ({reason}); give another with --port.") from exc


def explain_listen_error(host: str, exc: Exception) -> str:
    """What to tell whoever wants to listen on an address that is not this machine's."""
    reason = getattr(exc, "strerror", None) or exc
    return (
        f"The host {host!r} is no address of this machine ({reason}); give one that is, such as 127.0.0.1, "
        "or 0.0.0.0 for all, with --host."
    )


def save_answer(folder: Path, report: dict[str, Any], view: dict[str, Any] | None) -> None:
    """Write the answer's files; each appears whole or not at all."""
    from agent import unfolded

    contents = {
        "report.json": json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1),
        "answer.md": unfolded(report["answer"]["markdown"]).rstrip() + "\n",
        "drawing.json": json.dumps(view, ensure_ascii=False, allow_nan=False),
    }
    try:
        for name, content in contents.items():
            part = folder / f".{name}.{os.getpid()}"
            part.write_text(content, encoding="utf-8")
            part.replace(folder / name)
    except OSError as exc:
        reason = exc.strerror or exc
        raise Refused(f"The folder {str(folder)!r} cannot be written ({reason}).") from exc
