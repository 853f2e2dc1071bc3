"""What stays in memory between questions: the subject, recent traces, the library, the conversations.

Bounded: the oldest trace goes first, and is made again (the same) when it is asked for. Decides nothing.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Self

from agent.core import AgentError, LibraryError, QuestionError, Settings
from agent.features import Catalogue, Description, Library, ProgramEnded, merge_hits
from agent.questions import TOKENS, WHOLE, PartOfText
from agent.workspace.capacity import foresee_answer
from agent.workspace.conversations import Conversations
from agent.workspace.lenses import LensShelf
from agent.workspace.question_queue import QuestionQueue
from tracer import (
    Contrast,
    Lens,
    Model,
    OtherTexts,
    Study,
    TracedStudy,
    TracerError,
    Transcoders,
    Window,
    Words,
    fit_transcoders,
    load,
    load_transcoders,
    nameable_words,
    run_other_texts,
)

log = logging.getLogger(__name__)

MAX_KEPT_TRACES = 4  # studies, and traces, in memory
MAX_KEPT_SPELLINGS = 64  # texts whose tokens are known
REST = 2.0  # seconds between two looks whether nobody asks, so that what was filed can be embedded
LENS = "the model's concept lens, once"  # what is told to be on its way
READ_ONLY = (
    "This copy is read-only (ASKCIRCUIT_READ_ONLY): it shows what was answered, and answers nothing new."
)

Progress = Callable[[str, float], None]


class ModelMissing(AgentError):
    """The model to be explained cannot be loaded."""


class TranscodersMissing(AgentError):
    """The transcoders cannot be loaded, or are not this model's."""


class ReadOnly(AgentError):
    """No model is loaded, and no question is answered."""


class Workspace:
    """Everything a conversation needs, shared by all conversations of one process."""

    def __init__(
        self,
        settings: Settings,
        subject: Model | None,
        library: Library,
        transcoders: Transcoders | None = None,  # what is traced; the model's neurons without
    ) -> None:
        self.settings, self.library = settings, library
        self._subject, self.transcoders = subject, transcoders
        self.turns = QuestionQueue()  # one question at a time: two would only share the cores
        self._studies: OrderedDict[str, Study] = OrderedDict()
        self._traces: OrderedDict[tuple[str, int, int, int], TracedStudy] = OrderedDict()
        self._written: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._retired = {"forward_passes": 0, "rows": 0}
        self._embedding: threading.Thread | None = None
        self._closing = threading.Event()
        self._conversations: Conversations | None = None
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self.close()

    @property
    def subject(self) -> Model:
        """The model that is explained; raises ReadOnly where none is loaded."""
        if self._subject is None:
            raise ReadOnly(READ_ONLY)
        return self._subject

    def study(self, text: str) -> Study:
        """The text's forward pass; raises TracerError when the text cannot be traced."""
        if text not in self._studies:
            limit, written = self.settings.max_tokens, self._written.get(text)
            window = self._window_of(text)
            self._studies[text] = Study(self.subject, text, limit, self.transcoders, written, window)
        self._studies.move_to_end(text)
        if len(self._studies) > MAX_KEPT_TRACES:
            _, old = self._studies.popitem(last=False)
            self._retired["forward_passes"] += old.forward_passes
            self._retired["rows"] += old.rows
        return self._studies[text]

    def know_written(self, text: str, ids: Sequence[int]) -> None:
        """A text is these tokens, as the model wrote them: its tokeniser might cut it otherwise.

        What was named to be looked at of the text that it goes on with holds for it too.
        """
        begun = [begin for begin in self._windows if begin != text and text.startswith(begin)]
        if begun and text not in self._windows:
            self._look_at(text, self._windows[max(begun, key=len)])
        if self._written.get(text) != tuple(ids):
            self._forget(text)
            self._written[text] = tuple(ids)
        if len(self._written) > MAX_KEPT_SPELLINGS:
            self._written.popitem(last=False)

    def look_from(self, text: str, *, since: str = "", tokens: int | None = None) -> None:
        """Of a long text its end is looked at: from where `since` stands last, or so many tokens.

        With neither, what was named for an earlier question about it no longer holds.
        """
        self._look_at(text, Window(self.settings.window if tokens is None else tokens, since))

    def look_at_part(self, text: str, part: PartOfText) -> None:
        """Of a text only a part is looked at, and what stands behind it; raises QuestionError."""
        if part.unit == WHOLE:
            self.look_from(text)
        elif part.unit == TOKENS and part.last is not None:
            if part.last > self.settings.window:
                raise QuestionError(
                    f"At most {self.settings.window:,} tokens are looked at (ASKCIRCUIT_WINDOW), not "
                    f"{part.last:,}: memory and time grow with them."
                )
            self.look_from(text, tokens=part.last)
        else:
            self.look_from(text, since=text[part.begins_at(text) :])

    def foresee(self, text: str) -> str:
        """What an answer about a long text will take, in a sentence; empty for a short one."""
        ids = self.subject.encode(text, self.settings.max_tokens)
        looked = len(ids) - self._window_of(text).first(self.subject, text, ids.tolist())
        return foresee_answer(self.settings, len(ids), looked)

    def know_window(self, text: str, before: int) -> None:
        """What is looked at of a text begins behind so many tokens, as in what was found on it."""
        made = self._studies.get(text)
        if made is None or made.before != before:
            self._look_at(text, Window(self.settings.window, before=before))

    def _window_of(self, text: str) -> Window:
        return self._windows.get(text, Window(self.settings.window))

    def _look_at(self, text: str, window: Window) -> None:
        if window == self._window_of(text):
            return
        self._forget(text)
        self._windows[text] = window
        if len(self._windows) > MAX_KEPT_SPELLINGS:
            self._windows.popitem(last=False)

    def _forget(self, text: str) -> None:
        self._studies.pop(text, None)
        self._traces = OrderedDict((key, made) for key, made in self._traces.items() if key[0] != text)

    def lens(self) -> Lens | None:
        """The model's concept lens; None while there is none (`lens_note` says why)."""
        return self._lenses.lens()

    def wait_for_lens(self, progress: Progress = lambda _what, _done: None) -> None:
        """Wait until concepts can be read, or cannot for good: for who asks one question only."""
        self._lenses.wait(lambda done: progress(LENS, done))

    @property
    def lens_note(self) -> str:
        """Why no concept can be read just now; empty where they can."""
        return self._lenses.note

    @cached_property
    def words(self) -> Words:
        """The tokens that may name a concept."""
        return nameable_words(self.subject)

    @cached_property
    def other_texts(self) -> OtherTexts:
        """What the model does on texts that have nothing to do with anybody's question."""
        return run_other_texts(self.subject)

    @cached_property
    def _lenses(self) -> LensShelf:
        return LensShelf(self.subject, self.settings.cache_folder)

    def contrast(self, text: str, answer: int, foil: int) -> Contrast:
        """logit(answer) - logit(foil) on a text."""
        return self.study(text).contrast(answer, foil)

    def traced(
        self,
        text: str,
        answer: int,
        foil: int,
        nodes: int,
        progress: Callable[[float], None] = lambda _done: None,
    ) -> TracedStudy:
        """The graph of a contrast, from memory or made now."""
        key = (text, answer, foil, nodes)
        if key not in self._traces:
            self._traces[key] = TracedStudy(self.contrast(text, answer, foil), nodes, progress)
        self._traces.move_to_end(key)
        if len(self._traces) > MAX_KEPT_TRACES:
            self._traces.popitem(last=False)
        return self._traces[key]

    def spent(self) -> dict[str, int]:
        """Forward passes and graph rows computed so far."""
        studies = self._studies.values()
        return {
            "forward_passes": self._retired["forward_passes"] + sum(s.forward_passes for s in studies),
            "rows": self._retired["rows"] + sum(s.rows for s in studies),
        }

    def file(self, descriptions: list[Description]) -> None:
        """Put descriptions into the library; they are embedded while nobody asks, or by a search."""
        try:
            self.library.put(descriptions, later=True)
        except LibraryError as exc:  # an answer must not fail because a label could not be filed
            log.warning("descriptions were not filed: %s", exc)
        if self._embedding is None or not self._embedding.is_alive():
            self._embedding = threading.Thread(target=self._embed_at_rest, name="library", daemon=True)
            self._embedding.start()

    def _embed_at_rest(self) -> None:
        """Embed what was filed as long as no question is under way: each would wait for the processor."""
        try:
            while not self._closing.wait(REST):  # who asks one question only is gone by then
                while self.turns.wait_until_empty(0) and not self._closing.is_set():
                    if not self.library.embed_some():
                        return
        except ProgramEnded:
            return
        except LibraryError as exc:
            log.warning("descriptions were not embedded: %s", exc)

    def _stop_embedding(self) -> None:
        self._closing.set()
        if self._embedding is not None:
            self._embedding.join()

    def find_descriptions(self, ids: Sequence[str]) -> dict[str, Description]:
        """What others or an LLM say of these features (ids with or without position), where it is known."""
        names = {id: f"{self.features_of}/{id.split('@')[0]}" for id in ids}
        found = self.library.get(names.values())
        return {id: found[name] for id, name in names.items() if name in found and found[name].is_described}

    def search(self, query: str, k: int = 10, layers: range | None = None) -> list[dict[str, Any]]:
        """Features of this subject by meaning, nearest first."""
        return merge_hits(self.library, self.catalogue, self.features_of, query, k, layers)

    @property
    def set_name(self) -> str | None:
        """What the set of transcoders is called; None for neurons."""
        return None if self.transcoders is None else self.transcoders.name

    @property
    def features_of(self) -> str:
        """Whose features these are, as the library files them."""
        return self.subject.name if self.set_name is None else f"{self.subject.name} with {self.set_name}"

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """Descriptions of all features that can be traced, where there are any."""
        width = self.subject.neurons if self.transcoders is None else self.transcoders.width
        shape = (self.subject.layers, width)
        return Catalogue.of(self.features_of, shape, self.settings.data_folder, self.settings.chroma_url)

    @property
    def conversations(self) -> Conversations:
        """What is kept of conversations; in memory, with a warning, where the folder cannot be written."""
        with self._opening:
            if self._conversations is None:
                self._conversations = Conversations(self.settings.data_folder)
            return self._conversations

    def forget_old(self) -> None:
        """Delete what is older than the settings let conversations be."""
        days = self.settings.keep_days
        if days is None:
            return
        try:
            self.conversations.forget_older(days)
        except sqlite3.Error as exc:
            log.warning("old conversations could not be deleted: %s", exc)

    def about(self) -> dict[str, Any]:
        """What is loaded, in words."""
        if self._subject is None:
            return {"model": self.settings.model, "brain": "none: read-only"}
        return {
            "model": self.subject.name,
            "family": self.subject.family.name,
            "features": self.set_name or "neurons",
            "layers": self.subject.layers,
            "device": str(self.subject.unembedding.device),
            "brain": self.settings.planner_name,
        }

    def stop_fitting(self) -> None:
        """End a lens that is being fitted in the background; the model is nobody else's afterwards."""
        shelf: LensShelf | None = self.__dict__.get("_lenses")  # not opened only to be closed
        if shelf is not None:
            shelf.close()

    def close(self) -> None:
        """Release files and threads."""
        self._stop_embedding()
        self.stop_fitting()
        self.library.close()
        opened: Catalogue | None = self.__dict__.get("catalogue")  # not opened only to be closed
        if opened is not None:
            opened.close()
        if self._conversations is not None:
            self._conversations.close()
            self._conversations = None


def open_workspace(settings: Settings, progress: Progress = lambda _what, _done: None) -> Workspace:
    """Load the subject and open the library; raises AgentError with one sentence when it cannot be done.

    A read-only workspace loads no subject and answers no question.
    """
    if settings.read_only:
        workspace = Workspace(settings, None, Library.open(settings.data_folder / "library"))
        workspace.turns.close(READ_ONLY)
        return workspace
    transcoders = _open_transcoders(settings)
    progress("model", 0.0)
    try:
        subject = load(
            settings.model,
            cache=settings.cache_folder,
            threads=settings.threads,
            progress=lambda done: progress("model", done),
        )
    except TracerError as exc:
        raise ModelMissing(str(exc)) from exc
    progress("model", 1.0)
    if subject.note:
        log.warning("%s", subject.note)
    if transcoders is not None:
        try:
            transcoders = fit_transcoders(transcoders, subject)
        except TracerError as exc:
            raise TranscodersMissing(str(exc)) from exc
    library = Library.open(settings.data_folder / "library")
    return Workspace(settings, subject, library, transcoders)


def _open_transcoders(settings: Settings) -> Transcoders | None:
    """The set of these settings, before the model: a wrong name is told at once."""
    if settings.transcoders is None:
        return None
    try:
        return load_transcoders(settings.transcoders)
    except TracerError as exc:
        raise TranscodersMissing(str(exc)) from exc
