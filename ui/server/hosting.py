"""The server of the page: what its health is, and how it ends in order. Knows no widgets."""

import atexit
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.base import ModelLoader
from ui.server.gate import STOPPING, Gate, Questions
from ui.server.headers import SecurityHeaders

if TYPE_CHECKING:
    from agent import Settings

HOUR = 3600.0
LAST_WORDS = 3.0  # seconds for questions that are stopped when the server ends
ON_THE_WAY = 0.5  # seconds for what was said to arrive; pages that are open would listen for ever


class Host:
    """The ASGI app: its health, and the page behind its gate."""

    def __init__(
        self, settings: "Settings", opening: ModelLoader, page: ASGIApp, questions: Questions
    ) -> None:
        """Show `page`, whose workspace may still be on its way."""
        self.settings, self.opening = settings, opening
        self.gate = Gate(page, settings, questions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        health = scope["type"] == "http" and scope["path"] == "/health"
        await (self.health() if health else self.gate)(scope, receive, send)

    def health(self) -> JSONResponse:
        """What a host asks every few seconds: 200 when questions are taken, else 503."""
        status, model = self._state()
        found = {
            "status": status,
            "model": model,
            "open": len(self.gate.questions.open()),
            "waiting": self.gate.questions.waiting(),
            "read_only": self.settings.read_only,
        }
        return JSONResponse(found, 200 if status == "ok" else 503, {"cache-control": "no-store"})

    def _state(self) -> tuple[str, str]:
        from agent import AgentError

        if self.gate.stopping:
            return "stopping", self.settings.model
        if not self.opening.ready:
            return "loading", self.settings.model
        try:
            return "ok", str(self.opening.workspace().about()["model"])
        except AgentError:
            return "failed", self.settings.model


class Server:
    """One ASGI app served over HTTP, from a thread of its own."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Not listening yet."""
        config = uvicorn.Config(
            app,
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            proxy_headers=False,  # the gate decides whom to believe
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=ON_THE_WAY,  # type: ignore[arg-type]  # it is a number of seconds
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="server", daemon=True)

    def start(self) -> str:
        """Listen; the address to open."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError("The server could not be started; is the port in use?")
            self._thread.join(0.01)
        where = self._server.servers[0].sockets[0].getsockname()
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(where[0], where[0])
        return f"http://{f'[{name}]' if ':' in name else name}:{where[1]}/"

    def close(self) -> None:
        """Stop listening, and end what is still being sent."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # streams that are cut off are meant
        self._server.should_exit = True
        self._thread.join()


class PageServer:
    """A page and its server."""

    def __init__(
        self,
        settings: "Settings",
        opening: ModelLoader,
        page: ASGIApp,
        questions: Questions,
        at_end: Callable[[], None],
    ) -> None:
        """Not listening yet; `at_end` is called when nobody can come any more."""
        self.host, self._at_end = Host(settings, opening, page, questions), at_end
        self._server = Server(
            SecurityHeaders(self.host, settings.embed_in or ""), settings.host, settings.port
        )

    def start(self) -> str:
        """Listen; the address to open."""
        return self._server.start()

    def close(self, verbose: bool = False) -> None:
        """Stop listening."""
        del verbose  # as Gradio's own servers are closed
        until = time.monotonic() + LAST_WORDS
        while self.host.gate.questions.open() and time.monotonic() < until:
            time.sleep(0.05)
        self._server.close()
        self._at_end()


def serve_until_signal(server: PageServer, opening: ModelLoader) -> None:
    """Until SIGTERM or Ctrl-C; then finish or stop the running question, and close all."""
    try:
        with end_on_sigterm():
            workspace = opening.workspace()  # a model that cannot be loaded ends the command with a sentence
            wait_for_signal(workspace.forget_old)
    finally:
        server.host.gate.stopping = True
        if opening.ready:
            finish_questions(opening)
        server.close()
        if opening.ready:
            opening.close()


def wait_for_signal(every_hour: Callable[[], None] = lambda: None) -> None:
    """Stay in this call until a signal ends it."""
    due = time.monotonic() + HOUR
    while True:
        time.sleep(0.2)  # a signal that another thread receives is handled when this one wakes up
        if time.monotonic() > due:
            every_hour()
            due += HOUR


def finish_questions(opening: ModelLoader) -> None:
    """Let the running question end, or end it; whoever still waits is told that it is over."""
    if opening.failed:
        return
    workspace = opening.workspace()
    workspace.turns.close(STOPPING)
    if not workspace.turns.wait_until_empty(workspace.settings.stop_seconds):
        workspace.turns.stop()
        workspace.turns.wait_until_empty(LAST_WORDS * 2)


def exit_process() -> NoReturn:
    """End the process with all closed: Python would take seconds more to take a model apart."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextmanager
def end_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as if it had returned, with exit code 0; a second one ends the process."""

    def end(_signal: int, _frame: Any) -> None:
        signal.signal(signal.SIGTERM, at_once)
        raise SystemExit(0)

    def at_once(_signal: int, _frame: Any) -> None:
        os._exit(143)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
