"""`python -m tracer.lens CORPUS… --out FILE`: fit a lens; `--tokens` for the exact one, else block means."""

import argparse
import sys
from pathlib import Path

import platformdirs

from tracer.autointerp import corpus_texts
from tracer.errors import TracerError
from tracer.lens.files import write_lens
from tracer.lens.fit import fit_lens, quick_fit
from tracer.models import EMBEDDED, load


def main() -> None:
    """Fit, write, say how converged it is."""
    parser = argparse.ArgumentParser(prog="python -m tracer.lens", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path, help="files or folders of texts")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=EMBEDDED)
    parser.add_argument("--tokens", type=int, default=0, help="tokens of an exact fit")
    parser.add_argument("--texts", type=int, default=256, help="texts of a quick fit")
    parser.add_argument("--work", type=Path, help="folder from which a stopped exact fit goes on")
    parser.add_argument("--packed", action="store_true", help="8 bits a number")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    cache = platformdirs.user_cache_path("askcircuit", appauthor=False)

    def tell(done: float, note: str) -> None:
        print(f"\r{done:4.0%} {note}   ", end="", file=sys.stderr, flush=True)

    subject = load(given.model, cache=cache, threads=given.threads)
    texts, name = corpus_texts(given.corpus), ", ".join(path.stem for path in given.corpus)
    if given.tokens:
        lens = fit_lens(subject, texts, tokens=given.tokens, work=given.work, corpus=name, progress=tell)
    else:
        lens = quick_fit(subject, texts, texts=given.texts, corpus=name, progress=tell)
    write_lens(given.out, lens, packed=given.packed)
    about = lens.about
    agreed = "" if about.agreement is None else f"; its halves agree with a cosine of {about.agreement:.3f}"
    print(f"\n{about.texts:,} texts, {about.tokens:,} positions{agreed}. Written to {given.out}.")


if __name__ == "__main__":
    try:
        main()
    except TracerError as exc:
        sys.exit(str(exc))
