"""The `features` commands: describe all from a corpus, search by meaning, show one, export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.base import (
    ModelOption,
    Overwrite,
    Refused,
    TranscodersOption,
    answer_console,
    check_folder,
    check_new_file,
    check_text,
    load_workspace,
    named_path,
    progress_console,
    settings_from_options,
)

if TYPE_CHECKING:
    from agent import ShownFeature

BARS = " ▁▂▃▄▅▆▇█"
LOWEST = -8  # half octaves begin at 2^LOWEST
features = typer.Typer(help="What the model's features do.")


@features.callback(invoke_without_command=True)
def nothing_asked(context: typer.Context) -> None:
    """Say what there is when no command is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@features.command()
def search(
    query: Annotated[str, typer.Argument(help="What the features should be about.")],
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=1000, help="How many to show.")] = 10,
    layer: Annotated[str, typer.Option(help="Only these layers, such as 12 or 10-15.")] = "",
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """Find features by meaning. For neurons no model is loaded; transcoder features are those seen so far."""
    check_text(query)
    if not query.strip():
        raise Refused("There is nothing to search for: give a few words.")
    from agent import search_features
    from ui.base import render_hits

    layers = layer_range(layer)
    settings = settings_from_options(model=model, transcoders=transcoders)
    if settings.transcoders is not None:
        with load_workspace(model, transcoders=transcoders) as workspace:
            found = workspace.search(query, limit, layers)
    else:
        with progress_console().status("Opening the index …"):
            found = search_features(settings, query, limit, layers)
    if not found:
        raise Refused(
            "No feature is described yet: run `askcircuit features describe --corpus FOLDER` first."
        )
    answer_console().print(render_hits(found))


@features.command()
def show(
    feature: Annotated[
        str, typer.Argument(help="A feature, such as L11.N1234+ (both signs: L11.N1234), of a set L11.F1234.")
    ],
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """Show a feature: label and scores, contexts with the token marked, what it promotes, its neighbours."""
    check_text(feature)
    from agent import show_feature

    for shown in show_feature(settings_from_options(model=model, transcoders=transcoders), feature):
        answer_console().print(render_feature(shown), markup=False, highlight=False, soft_wrap=True)


@features.command()
def export(
    out: Annotated[str, typer.Argument(help="File to write, one JSON object a line.")],
    overwrite: Overwrite = False,
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """Write all descriptions with contexts and scores as JSON lines."""
    from agent import export_features

    path = named_path(out, "OUT")
    check_new_file(path, "OUT", overwrite=overwrite)
    count = export_features(settings_from_options(model=model, transcoders=transcoders), path)
    progress_console().print(f"{count:,} features are in {out}.", markup=False)


@features.command("import")
def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="Neuronpedia's explanations or features (.json, .jsonl, .jsonl.gz, a folder of them), what "
            "`features export` wrote, or circuit-tracer's feature files (folder, address, hub id)."
        ),
    ],
    layer: Annotated[str, typer.Option(help="Only these layers, such as 12 or 10-15.")] = "",
    feature: Annotated[
        list[int] | None, typer.Option(help="Only these features; may be given again.")
    ] = None,
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """File descriptions that others made. Of feature files, only the wanted features are fetched."""
    check_text(source)
    from agent import import_features

    with progress_console().status("Reading …") as status:
        done = import_features(
            settings_from_options(model=model, transcoders=transcoders),
            source,
            layer_range(layer),
            feature or None,
            lambda what, share: status.update(f"{share:.0%} {what}"),
        )
    answer_console().print(f"{done.filed:,} features of {done.features_of} are described now.", markup=False)
    for reason, count in sorted(done.skipped.items()):
        progress_console().print(f"Left out: {count:,} ({reason}).", markup=False)


@features.command("label")
def label_(
    feature: Annotated[list[str], typer.Argument(help="Features, such as L11.N1234+ (or both: L11.N1234).")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it costs anything.")] = False,
    work: Annotated[
        Path | None, typer.Option(help="Folder of `features describe --work`, to judge labels by.")
    ] = None,
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """Have a language model (ASKCIRCUIT_LLM_BASE_URL) label features; its price is told first."""
    for name in feature:
        check_text(name)
    from agent import format_outcome, plan_labels, write_labels

    settings = settings_from_options(model=model, transcoders=transcoders)
    plan = plan_labels(settings, feature)
    progress_console().print(plan.sentence, markup=False, highlight=False)
    if not yes and not sys.stdin.isatty():
        raise Refused("Nothing was asked: this costs something, so give --yes where nobody can be asked.")
    if not yes and not typer.confirm("Ask it?", err=True):
        raise Refused("Nothing was asked.")
    with progress_console().status("Asking …") as status:
        done = write_labels(settings, plan, work, lambda share, note: status.update(f"{share:.0%} {note}"))
    for row in done.rows:
        answer_console().print(format_outcome(row), markup=False, highlight=False, soft_wrap=True)
    judged = [
        f"{name} {done.mean(name):.3f}"
        for name in ("random", "hard", "shuffled")
        if done.mean(name) is not None
    ]
    counts = ", ".join(f"{done.count(s)} {s}" for s in ("labelled", "unclear", "refused", "garbage"))
    answer_console().print(
        f"{counts}; {done.tokens:,} tokens. "
        f"Held-out AUROC: {', '.join(judged) or 'not judged, no evidence of a corpus is here'}.",
        markup=False,
        highlight=False,
    )
    if done.stopped:
        raise Refused(f"Not all were asked: {done.stopped}.")


@features.command()
def describe(
    corpus: Annotated[
        list[Path],
        typer.Option(help="A file, a folder, a .jsonl of texts or a dataset on the hub; may be given again."),
    ],
    tokens: Annotated[int, typer.Option(min=10_000, help="How much of it is run.")] = 2_500_000,
    work: Annotated[
        str | None, typer.Option(help="Folder for what can be resumed; 2.8 GB for 2.5 million tokens.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder for the descriptions.")] = None,
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
) -> None:
    """Describe every feature of a model, or of a transcoder set, from a corpus. A stopped run goes on."""
    from agent import describe_model

    kept = None if work is None else named_path(work, "--work")
    folder = None if out is None else named_path(out, "--out")
    for each in (kept, folder):
        if each is not None:
            check_folder(each)

    with progress_console().status("Loading …") as status:
        summary, written = describe_model(
            settings_from_options(model=model, transcoders=transcoders),
            corpus,
            tokens,
            kept,
            folder,
            lambda done, note: status.update(f"{done:.0%} {note}"),
        )
    parts = summary.parts
    answer_console().print(
        f"{summary.features:,} features described from {summary.tokens:,} tokens, "
        f"{summary.labelled:.0%} labelled.\n"
        f"Words learnt from {parts['fit']:,} tokens, chosen on {parts['choose']:,}; labels kept or not by "
        f"{parts['keep']:,} of held-out documents, scored on {parts['score']:,} of others.\n"
        f"There, over the labelled: mean AUROC {summary.random:.3f} against random tokens, "
        f"{summary.hard:.3f} against peaks of the nearest features;\nwith labels shuffled "
        f"{summary.shuffled:.3f}; token counts in place of labels, all features {summary.table:.3f}.\n"
        f"A word of the label stands at {summary.stands:.0%} of a feature's peaks. "
        f"Output score {summary.output:.3f}, with labels shuffled {summary.output_shuffled:.3f}.\n"
        f"Written to {written}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def layer_range(text: str) -> range | None:
    """The layers meant by 12 or 10-15; None for all."""
    if not text.strip():
        return None
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last or first) + 1)
    except ValueError:
        raise Refused(f"--layer cannot be {text!r}; give a number or a range such as 10-15.") from None


def render_feature(shown: "ShownFeature") -> str:
    """One feature in lines of text."""
    known = shown.known
    lines = [f"{known.name}  {known.label}"]
    if known.source != "unlabelled":
        told = [
            f"{what} {score:.2f}"
            for score, what in (
                (known.score, "held-out AUROC against random tokens"),
                (known.hard, "against its nearest features"),
                (known.output, "output score (amplified, it raises what the label says)"),
            )
            if score is not None
        ]
        lines.append(f"  label by rule: {known.source}; {', '.join(told) or 'not judged'}")
    lines.append(f"  reaches a quarter of its peak ({known.peak:.2f}) on {known.density:.2%} of tokens")
    lines.append(f"  |activation| {render_histogram(shown.histogram)}")
    lines.append(f"  promotes    {quote_tokens(shown.promotes)}")
    lines.append(f"  suppresses  {quote_tokens(shown.suppresses)}")
    for context in shown.contexts:
        text = f"{one_line(context['before'])}⟦{one_line(context['token'])}⟧{one_line(context['after'])}"
        lines.append(f"  {context['activation']:7.2f}  …{text}…  ({context['source']})")
    for near, cosine in shown.nearest:
        lines.append(f"  near {cosine:.2f}  {near.name}  {near.label}")
    return "\n".join(lines)


def render_histogram(counts: list[int]) -> str:
    """A histogram as a line of bars, square roots so that rare activations can be seen, with its range."""
    used = [i for i, count in enumerate(counts) if count]
    if not used:
        return "never seen"
    first, last = used[0], used[-1]
    top = max(counts) ** 0.5
    drawn = "".join(BARS[round(8 * count**0.5 / top)] for count in counts[first : last + 1])
    return f"{2 ** (LOWEST + first / 2):.3g} {drawn} {2 ** (LOWEST + (last + 1) / 2):.3g}"


def quote_tokens(tokens: list[str]) -> str:
    """Tokens between quotes."""
    return " ".join(f"“{one_line(token)}”" for token in tokens)


def one_line(text: str) -> str:
    """Text with its line breaks visible and nothing a terminal would obey."""
    text = text.replace("\n", "⏎").replace("\t", "⇥")
    return "".join(c if c.isprintable() else "�" for c in text)
