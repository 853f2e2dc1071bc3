"""The concept lens of the model at hand: shipped, kept, or fitted in the background on first use."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agent.core import LibraryError, Settings
from tracer import (
    Lens,
    Model,
    TracerError,
    corpus_texts,
    fit_lens,
    kept_lens,
    lens_for,
    listening,
    load,
    quick_fit,
    quick_lens,
    shipped_prose,
    write_lens,
)

log = logging.getLogger(__name__)

TEXTS = 64  # of 128 tokens, a forward pass each
LOOK = 0.2  # seconds between two looks at how far a fit is

Progress = Callable[[float], None]


class LensShelf:
    """Gives the lens as soon as there is one; waits for it only where that is asked for."""

    def __init__(self, subject: Model, cache: Path) -> None:
        self._subject, self._cache = subject, cache
        self._lens: Lens | None = None
        self._looked = False
        self._fitting: threading.Thread | None = None
        self._gone, self._done = "", 0.0
        self._guard = threading.Lock()
        self._closed = threading.Event()

    def lens(self) -> Lens | None:
        """The lens; None while there is none, and then one is being fitted or cannot be."""
        with self._guard:
            if not self._looked:
                self._look()
            return self._lens

    def wait(self, progress: Progress = lambda _done: None) -> Lens | None:
        """The lens, waited for where one is being fitted; None where there cannot be one."""
        lens = self.lens()
        while lens is None and self._fitting is not None and self._fitting.is_alive():
            progress(self._done)
            self._fitting.join(LOOK)
        return self.lens()

    @property
    def note(self) -> str:
        """Why there is no lens now, and what is done about it; empty where there is one."""
        if self._lens is not None or not self._looked:
            return ""
        if self._gone:
            return f"Concepts cannot be read on this model: {self._gone}"
        return (
            "Concepts cannot be read yet: this model has no concept lens. One is being fitted in the "
            "background from a few short texts; ask again when it is there."
        )

    def close(self) -> None:
        """End a fit that is going on; nothing of it is kept."""
        self._closed.set()
        if self._fitting is not None:
            self._fitting.join()

    def _look(self) -> None:
        self._looked = True
        try:
            self._lens = lens_for(self._subject, self._cache)
        except TracerError as exc:
            self._gone = str(exc)
        if self._lens is None and not self._gone:
            self._fitting = threading.Thread(target=self._fit, name="lens", daemon=True)
            self._fitting.start()

    def _fit(self) -> None:
        try:
            with listening(self._end_if_closed):
                lens = quick_lens(
                    self._subject, shipped_prose(), self._cache, texts=TEXTS, progress=self._go_on
                )
        except _Closed:
            return
        except (TracerError, OSError, IndexError, ValueError, RuntimeError) as exc:
            # nobody sees a thread's error: the note must not promise a lens for ever
            log.warning("no concept lens could be fitted: %s", exc)
            self._gone = str(exc)
            return
        with self._guard:
            self._lens = lens

    def _go_on(self, done: float, _note: str) -> None:
        self._done = done
        self._end_if_closed()

    def _end_if_closed(self) -> None:
        if self._closed.is_set():
            raise _Closed


class _Closed(Exception):
    """Nobody waits for the lens any more."""


def fit_model_lens(
    settings: Settings,
    corpus: Sequence[Path],
    tokens: int,
    texts: int,
    work: Path | None = None,
    out: Path | None = None,
    progress: Callable[[float, str], None] = lambda _done, _note: None,
) -> dict[str, Any]:
    """Fit the lens of the model that is set, keep it, and say what it was made from.

    Exactly on `tokens` tokens, or from the block means of `texts` texts where `tokens` is 0. Raises
    LibraryError with one sentence.
    """
    name = ", ".join(path.stem for path in corpus)
    try:
        subject = load(settings.model, cache=settings.cache_folder, threads=settings.threads)
        found = corpus_texts(corpus)
        if tokens:
            lens = fit_lens(subject, found, tokens=tokens, work=work, corpus=name, progress=progress)
        else:
            lens = quick_fit(subject, found, texts=texts, corpus=name, progress=progress)
        path = out or kept_lens(subject, settings.cache_folder)
        write_lens(path, lens)
    except TracerError as exc:
        raise LibraryError(str(exc)) from exc
    return _facts(lens, f"Kept in {path}.")


def lens_facts(settings: Settings) -> dict[str, Any] | None:
    """What the lens of the model that is set was made from; None where there is none."""
    try:
        subject = load(settings.model, cache=settings.cache_folder, threads=settings.threads)
        lens = lens_for(subject, settings.cache_folder)
    except TracerError as exc:
        raise LibraryError(str(exc)) from exc
    if lens is None:
        return None
    kept = kept_lens(subject, settings.cache_folder)
    return _facts(lens, f"Kept in {kept}." if kept.is_file() else "It is shipped with askcircuit.")


def _facts(lens: Lens, where: str) -> dict[str, Any]:
    about = lens.about
    return {
        "model": about.model,
        "layers": len(lens.layers),
        "texts": about.texts,
        "tokens": about.tokens,
        "method": about.method,
        "corpus": about.corpus,
        "agreement": about.agreement,
        "where": where,
    }
