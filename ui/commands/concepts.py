"""Commands on concepts: what a model has in mind on a text, an exchange of two, and the lens."""

import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.base import (
    ModelOption,
    Overwrite,
    Refused,
    answer_console,
    check_folder,
    check_new_file,
    check_some_text,
    check_text,
    load_workspace,
    named_path,
    print_json,
    progress_console,
    settings_from_options,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agent import Event, Session

    Ask = Callable[[Session, threading.Event], Generator[Event, None, None]]

lenses = typer.Typer(help="The concept lens of a model: what reads concepts at its words.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
At = Annotated[str | None, typer.Option("--at", help="Only at this word of the text.")]
Detail = Annotated[bool, typer.Option("--detail", help="Also print what the answer rests on.")]


def concepts(
    text: Annotated[str, typer.Argument(help="The text.")],
    at: At = None,
    model: ModelOption = None,
    as_json: Json = False,
    detail: Detail = False,
) -> None:
    """Say what the model has in mind at each word of TEXT, and what of it leads to the answer."""
    check_some_text(text)
    check_text(at)
    _answer(model, lambda session, stop: session.concepts(text, at=at, cancel=stop), as_json, detail)


def swap(
    text: Annotated[str, typer.Argument(help="The text.")],
    concept: Annotated[str, typer.Argument(help="The concept that the model holds.")],
    other: Annotated[str, typer.Argument(help="The one to put in its place.")],
    at: At = None,
    model: ModelOption = None,
    as_json: Json = False,
    detail: Detail = True,
) -> None:
    """Exchange CONCEPT for OTHER where the model holds it on TEXT, and say what it says then."""
    for piece in (text, concept, other):
        check_some_text(piece)
    check_text(at)
    _answer(
        model,
        lambda session, stop: session.swap_concept(concept, other, at=at, text=text, cancel=stop),
        as_json,
        detail,
    )


def _answer(model: str | None, ask: "Ask", as_json: bool, detail: bool) -> None:
    """Ask in a conversation of its own, and print the words or the claims."""
    from agent import AnswerText, Session
    from ui.base import render_markdown

    stop = threading.Event()
    with load_workspace(model, lens=True) as workspace:
        session = Session(workspace, f"concepts-{uuid.uuid4().hex}")
        try:
            words = "".join(
                event.text for event in told(ask(session, stop), stop) if isinstance(event, AnswerText)
            )
            claims = session.findings()
        finally:
            session.forget()
    if as_json:
        print_json({"answer": words.strip(), "claims": claims})
    else:
        answer_console().print(render_markdown(words.strip(), detail=detail))


@lenses.command()
def fit(
    corpus: Annotated[
        list[Path], typer.Option(help="A file, a folder or a .jsonl of texts; may be given again.")
    ],
    tokens: Annotated[
        int, typer.Option(min=0, help="Fit exactly on so many tokens; 0: from block means, much faster.")
    ] = 0,
    texts: Annotated[int, typer.Option(min=2, help="Texts of 128 tokens of a fit from block means.")] = 256,
    work: Annotated[str | None, typer.Option(help="Folder from which a stopped exact fit goes on.")] = None,
    out: Annotated[Path | None, typer.Option(help="File; by default where this machine keeps it.")] = None,
    overwrite: Overwrite = False,
    model: ModelOption = None,
) -> None:
    """Fit the concept lens of a model from a corpus, and keep it."""
    from agent import fit_model_lens

    kept = None if work is None else named_path(work, "--work")
    if kept is not None:
        check_folder(kept)
    if out is not None:
        check_new_file(out, "--out", overwrite=overwrite)

    with progress_console().status("Loading …") as status:
        done = fit_model_lens(
            settings_from_options(model=model), corpus, tokens, texts, kept, out,
            lambda part, note: status.update(f"{part:.0%} {note}"),
        )  # fmt: skip
    answer_console().print(lens_line(done), markup=False)


@lenses.command()
def show(
    text: Annotated[
        str | None, typer.Argument(help="Read the lens on this text; without, say what it is.")
    ] = None,
    at: At = None,
    best: Annotated[int, typer.Option(min=1, max=50, help="Words of a place that are shown.")] = 3,
    model: ModelOption = None,
    as_json: Json = False,
) -> None:
    """Show what the lens reads on TEXT, layers upward; without one, what it was fitted from."""
    from agent import lens_facts

    if text is not None:
        _show_reading(text, at, best, model, as_json)
        return
    if at is not None:
        raise Refused("--at names a word of a text: give the text as well.")
    facts = lens_facts(settings_from_options(model=model))
    if as_json:
        print_json(facts or {})
    elif facts is None:
        raise Refused("There is no concept lens of this model yet: `askcircuit lens fit` makes one.")
    else:
        answer_console().print(lens_line(facts), markup=False)


def _show_reading(text: str, at: str | None, best: int, model: str | None, as_json: bool) -> None:
    """Print the words that are read behind each block at each word of a text."""
    from agent import Session
    from ui.base import lens_tables

    check_some_text(text)
    check_text(at)
    with load_workspace(model, lens=True) as workspace:
        session = Session(workspace, f"lens-{uuid.uuid4().hex}")
        reading = session.read_lens(text, at=at, best=best)
    if as_json:
        print_json({"text": text, "words": reading.rows()})
        return
    console = answer_console()
    for table in lens_tables(reading, console.width):
        console.print(table)


def lens_line(facts: dict[str, Any]) -> str:
    """A lens in two sentences."""
    agreed = facts.get("agreement")
    halves = "" if agreed is None else f" Its halves agree with a cosine of {agreed:.3f}."
    return (
        f"{facts['model']}: {facts['layers']} layers, fitted from {facts['texts']:,} texts "
        f"({facts['tokens']:,} positions). {facts['where']}{halves}"
    )
