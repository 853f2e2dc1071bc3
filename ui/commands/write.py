"""Let the model write on from the command line, and ask why it wrote a word."""

import sys
import threading
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.base import (
    ModelOption,
    Refused,
    answer_console,
    check_text,
    load_workspace,
    print_json,
    progress_console,
    render_tokens,
    told,
)

if TYPE_CHECKING:
    from agent import Session, WriteRequest


def write(  # noqa: PLR0913 - an option each
    text: Annotated[str, typer.Argument(help="Text to write on from, or a message to an instruct model.")],
    tokens: Annotated[int, typer.Option(help="How many tokens at most.")] = 40,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token.")] = 0.0,
    seed: Annotated[int, typer.Option(help="What is drawn, where the temperature is not 0.")] = 0,
    stop: Annotated[list[str] | None, typer.Option(help="Stop behind this text; may be repeated.")] = None,
    system: Annotated[str | None, typer.Option(help="System prompt of the conversation.")] = None,
    as_chat: Annotated[
        bool | None, typer.Option("--chat/--plain", help="As a message, or as a text; by the model without.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="Then explain this word of what it wrote.")] = None,
    detail: Annotated[bool, typer.Option("--detail", help="Also list its tokens.")] = False,
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let the model write on from TEXT, and show how likely each word was."""
    from agent import Session, WriteRequest

    for piece in (text, system, why, *(stop or ())):
        check_text(piece)
    request = WriteRequest(
        text, as_chat, system, tokens=tokens, temperature=temperature, seed=seed, stop=tuple(stop or ())
    )
    if not text.strip():
        raise Refused("The text is empty: give the text to write on from.")
    with load_workspace(model) as workspace:
        session = Session(workspace, f"write-{uuid.uuid4().hex}")
        try:
            writing = stream_writing(session, request, show=not as_json)
            if as_json and why is None:
                print_json(writing)
            elif detail:
                answer_console().print(render_tokens(writing))
            if why is not None:
                explain_word(session, writing, why, as_json)
        finally:
            session.forget()


def stream_writing(session: "Session", request: "WriteRequest", *, show: bool) -> dict[str, Any]:
    """What the model wrote, shown as it comes where it is to be shown; raises Refused."""
    from agent import Failed, TextWritten
    from ui.base import show_hidden

    stop, writing = threading.Event(), None
    with closing(session.write(request, cancel=stop)) as events:
        for event in events:
            if isinstance(event, Failed):
                raise Refused(event.why)
            if isinstance(event, TextWritten):
                writing = event.writing
                if show:
                    sys.stdout.write(show_hidden(event.new))
                    sys.stdout.flush()
    if writing is None:
        raise Refused("Nothing was written.")
    if show:
        sys.stdout.write("\n")
        for note in writing["notes"]:
            progress_console().print(note, style="dim", markup=False)
    return writing


def explain_word(session: "Session", writing: dict[str, Any], word: str, as_json: bool) -> None:
    """Why the model wrote a word, in its place."""
    from agent import AnswerText, ReportReady, find_token
    from ui.base import render_answer, render_markdown

    position = find_token(writing, word)  # type: ignore[arg-type]
    if position is None:
        raise Refused(f"The word {word!r} is not in what was written.")
    report, words, stop = None, [], threading.Event()
    for event in told(session.explain_token(writing["id"], position, cancel=stop), stop):
        if isinstance(event, ReportReady):
            report = event.report
        elif isinstance(event, AnswerText):
            words.append(event.text)
    if as_json and report is not None:
        print_json(report)
    else:
        shown = render_answer(report, detail=False) if report else render_markdown("".join(words))
        answer_console().print(shown)
