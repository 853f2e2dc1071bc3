"""python -m tracer TEXT: print the strongest features of a text's attribution graph."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def main(
    text: Annotated[str, typer.Argument(help="Text whose next token to trace.")],
    model: Annotated[
        str, typer.Option(help="Embedded, a folder, a GGUF file or a Hugging Face id.")
    ] = "embedded",
    cache: Annotated[Path | None, typer.Option(help="Where converted models are kept.")] = None,
    nodes: Annotated[int, typer.Option(help="How many neurons the graph may hold.")] = 1000,
) -> None:
    """Trace the two most probable next tokens of TEXT against each other."""
    from platformdirs import user_cache_path

    from tracer import Study, TracedStudy, TracerError, load  # heavy: not paid by --help

    try:
        subject = load(model, cache=cache or user_cache_path("askcircuit"))
        study = Study(subject, text, limit=512)
    except TracerError as exc:
        print(f"tracer: {exc}", file=sys.stderr)
        raise SystemExit(2) from None
    first, second = study.predictions(2)
    traced = TracedStudy(study.contrast(first.token_id, second.token_id), nodes)
    print(f"{first.token!r} {first.p:.3f} over {second.token!r} {second.p:.3f}; scores {traced.scores}")
    for feature in sorted(traced.features(), key=lambda f: -abs(f.effect))[:20]:
        print(f"{feature.id:>16} {feature.effect:+.3f} {feature.role:<6} promotes {feature.promotes}")


if __name__ == "__main__":
    app()
