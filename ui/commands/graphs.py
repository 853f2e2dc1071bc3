"""Commands on graph files: trace a text into one, show one, explain one, upload one. Decides nothing."""

from pathlib import Path
from typing import Annotated

import typer

from ui.base import (
    ModelOption,
    Overwrite,
    TranscodersOption,
    answer_console,
    check_new_file,
    check_some_text,
    check_text,
    load_workspace,
    named_path,
    print_json,
    progress_console,
    settings_from_options,
)

graphs = typer.Typer(help="Graph files, as circuit-tracer and Neuronpedia write them.")

File = Annotated[Path, typer.Argument(help="A graph as JSON.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Slug = Annotated[str, typer.Option(help="Name of the graph in the file and at Neuronpedia.")]
Scan = Annotated[str, typer.Option(help="The model's name at Neuronpedia, such as gemma-2-2b.")]


def trace(  # noqa: PLR0913 - an option each
    text: Annotated[str, typer.Argument(help="Text whose next token to trace.")],
    out: Annotated[str, typer.Option("-o", "--out", help="File to write.")],
    said: Annotated[str | None, typer.Option(help="The token to trace.")] = None,
    rather_than: Annotated[str | None, typer.Option(help="The token to compare with.")] = None,
    slug: Slug = "",
    scan: Scan = "",
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
    overwrite: Overwrite = False,
    old_error_ids: Annotated[
        bool, typer.Option("--old-error-ids", help="As circuit-tracer up to 0.5.0 wrote them.")
    ] = False,
) -> None:
    """Write TEXT's pruned attribution graph, with supernodes and labels, to a file."""
    check_some_text(text)
    for piece in (said, rather_than):
        check_text(piece)
    path = named_path(out, "--out")
    check_new_file(path, "--out", overwrite=overwrite)
    from agent import GraphNaming, export_trace

    with load_workspace(model, transcoders=transcoders) as workspace, progress_console().status("Tracing …"):
        naming = GraphNaming(slug=slug, scan=scan, old_error_ids=old_error_ids)
        done = export_trace(workspace, text, path, said=said, foil=rather_than, naming=naming)
    answer_console().print(
        f"{out}: {done['nodes']} nodes, {done['links']} links, {done['supernodes']} supernodes.",
        markup=False,
    )
    if done["note"]:
        answer_console().print(done["note"], markup=False)


@graphs.command()
def show(file: File, as_json: Json = False) -> None:
    """Say what a graph file holds."""
    from agent import show_graph

    shown = show_graph(file)
    if as_json:
        print_json({name: value for name, value in shown.items() if name != "markdown"})
        return
    from ui.base import render_markdown

    answer_console().print(render_markdown(shown["markdown"]))


def explain_file(file: Path, as_json: bool) -> None:
    """Explain a graph somebody else made; nothing is tested, since the model is not there."""
    from agent import explain_graph_file

    report = explain_graph_file(file)
    if as_json:
        print_json(report)
        return
    from ui.base import render_markdown

    answer_console().print(render_markdown(report["answer"]["markdown"]))


@graphs.command()
def upload(
    file: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    slug: Slug = "",
    scan: Scan = "",
) -> None:
    """Send a graph file to Neuronpedia, with the key from NEURONPEDIA_API_KEY."""
    from agent import upload_graph

    sent = upload_graph(
        file, key=settings_from_options().neuronpedia_key, slug=slug, scan=scan, dry_run=dry_run
    )
    if dry_run:
        answer_console().print("\n".join(sent.steps), markup=False)
    answer_console().print(sent.view_url, markup=False)
