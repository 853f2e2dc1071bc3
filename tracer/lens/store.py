"""Where a model's lens is kept: shipped with the package, or fitted once and kept in the cache folder."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from tracer.autointerp import Document
from tracer.lens.files import read_lens, shipped_lens, write_lens
from tracer.lens.fit import fingerprint, quick_fit
from tracer.lens.readout import check_fits
from tracer.lens.values import Lens
from tracer.models import Model

QUICK_TEXTS = 64


def lens_for(subject: Model, cache: Path) -> Lens | None:
    """The lens of a model: kept in the cache, or shipped; None where it has none yet.

    Raises LensError where one is there and cannot be read.
    """
    for path in (kept_lens(subject, cache), shipped_lens(subject.name)):
        if path is not None and path.is_file():
            lens = read_lens(path)
            if lens.about.fingerprint in ("", fingerprint(subject)):
                check_fits(lens, subject)
                return lens
    return None


def kept_lens(subject: Model, cache: Path) -> Path:
    """Where the cache keeps the lens of this model, whether it is there or not."""
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", subject.name).strip("-._") or "model"
    return cache / "lenses" / f"{plain}-{fingerprint(subject)}.safetensors"


def quick_lens(
    subject: Model,
    documents: Iterable[Document],
    cache: Path,
    *,
    texts: int = QUICK_TEXTS,
    progress: Callable[[float, str], None] = lambda _done, _note: None,
) -> Lens:
    """The lens there is, or one fitted now from the means of each block and kept in the cache.

    Costs two forward passes a text of 128 tokens. Raises TextError where no document is long enough.
    """
    lens = lens_for(subject, cache)
    if lens is None:
        lens = quick_fit(subject, documents, texts=texts, progress=progress)
        write_lens(kept_lens(subject, cache), lens)
    return lens
