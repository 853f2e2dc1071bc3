"""Ask two models the same question: their answers and chains side by side."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from ui.base import (
    Refused,
    answer_console,
    check_some_text,
    check_text,
    load_workspace,
    print_json,
    progress_console,
)

if TYPE_CHECKING:
    from agent import Event


def compare(
    text: Annotated[str, typer.Argument(help="Text whose next token is explained.")],
    model: Annotated[str, typer.Option(help="One model: embedded, a Hugging Face id, a file or a folder.")],
    other: Annotated[str, typer.Option("--with", help="The other model.")],
    said: Annotated[str | None, typer.Option(help="The token to explain.")] = None,
    rather_than: Annotated[str | None, typer.Option(help="The token to compare with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask two models why they continue TEXT as they do, and test what differs."""
    check_some_text(text)
    for piece in (said, rather_than):
        check_text(piece)
    from agent import AgentError, StepProgress, compare_models, tell_comparison
    from ui.base import render_markdown, render_step

    with ExitStack() as stack, progress_console().status("Asking both …") as status:

        def tell(name: str, event: "Event") -> None:
            if isinstance(event, StepProgress):
                status.update(f"{name}: {render_step(event.step, event.done, event.note)}")

        status.stop()
        one, two = (stack.enter_context(load_workspace(name, lens=True)) for name in (model, other))
        status.start()
        try:
            question = {"message": "", "text": text, "said": said, "foil": rather_than}
            found = compare_models((one, two), question, tell)
        except AgentError as exc:
            raise Refused(str(exc)) from exc
    if as_json:
        print_json(found)
    else:
        answer_console().print(render_markdown(tell_comparison(found), detail=False))
