"""The concept lens of the model at hand: shipped, kept, or fitted in the background on first use."""

import logging
import threading
from pathlib import Path

from tracer import Lens, Subject, TracerError, corpus_texts, lens_for, quick_lens

log = logging.getLogger(__name__)

TEXTS = 64  # of 128 tokens, two forward passes each


class LensShelf:
    """Gives the lens as soon as there is one; never waits for it."""

    def __init__(self, subject: Subject, cache: Path) -> None:
        self._subject, self._cache = subject, cache
        self._lens: Lens | None = None
        self._looked = False
        self._fitting: threading.Thread | None = None
        self._done, self._gone = 0.0, ""
        self._guard = threading.Lock()

    def lens(self) -> Lens | None:
        """The lens; None while there is none, and then one is being fitted or cannot be."""
        with self._guard:
            if not self._looked:
                self._look()
            return self._lens

    @property
    def note(self) -> str:
        """Why there is no lens now, and what is done about it; empty where there is one."""
        if self._lens is not None or not self._looked:
            return ""
        if self._gone:
            return f"Concepts cannot be read on this model: {self._gone}"
        return (
            "Concepts cannot be read yet: this model has no concept lens. One is being fitted in the "
            f"background from {TEXTS} short texts ({self._done:.0%}); ask again when it is there."
        )

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
            lens = quick_lens(
                self._subject, corpus_texts(), self._cache, texts=TEXTS, progress=self._progress
            )
        except (TracerError, OSError) as exc:
            log.warning("no concept lens could be fitted: %s", exc)
            self._gone = str(exc)
            return
        with self._guard:
            self._lens = lens

    def _progress(self, done: float, _note: str) -> None:
        self._done = done
