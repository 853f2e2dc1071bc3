"""A workspace that opens in the background: who needs it waits, who does not goes on. Knows no widgets."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent import Workspace

Progress = Callable[[str, float], None]


class WaitCancelled(Exception):
    """Whoever waited for the workspace was told to stop."""


class ModelLoader:
    """A workspace on its way: the model is loaded in a thread of its own, once."""

    def __init__(self, open_workspace: "Callable[[Progress], Workspace]") -> None:
        """Begin to open it."""
        self._at: tuple[str, float] = ("model", 0.0)
        self._workspace: Future[Workspace] = Future()
        self._open_workspace = open_workspace
        threading.Thread(target=self._run, name="opening", daemon=True).start()

    def _run(self) -> None:
        try:
            self._workspace.set_result(self._open_workspace(self._on_progress))
        except BaseException as exc:
            self._workspace.set_exception(exc)  # told to everybody who asks for the workspace

    def _on_progress(self, what: str, done: float) -> None:
        self._at = (what, done)

    @property
    def ready(self) -> bool:
        """Whether the workspace is there, or it is known that it never will be."""
        return self._workspace.done()

    @property
    def failed(self) -> bool:
        """Whether it is known that there will be no workspace."""
        return self._workspace.done() and self._workspace.exception() is not None

    @property
    def at(self) -> tuple[str, float]:
        """What is being loaded and how far it is, from 0 to 1."""
        return self._at

    def workspace(self, cancel: threading.Event | None = None) -> "Workspace":
        """The workspace, when it is there; raises what went wrong, or Waited when told to stop."""
        while cancel is not None and not self._workspace.done():
            if cancel.wait(0.1):
                raise WaitCancelled
        return self._workspace.result()

    def close(self) -> None:
        """Wait for the workspace and close it."""
        if self._workspace.exception() is None:
            self._workspace.result().close()


def wrap_workspace(workspace: "Workspace") -> ModelLoader:
    """A workspace that is open already."""
    opening = ModelLoader(lambda _progress: workspace)
    opening.workspace()
    return opening
