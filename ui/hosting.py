"""The server of the page: it listens before the model is loaded, tells its health, and ends in order."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import uvicorn
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import Receive, Scope, Send

from ui.gate import STOPPING, Gate, Questions
from ui.headers import SecurityHeaders

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent import Desk, Settings

HOUR = 3600.0
LAST_WORDS = 3  # seconds for answers that are on their way when the server ends
LOADING = """<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<title>askcircuit</title><p style="font-family: system-ui; margin: 4rem; text-align: center">
The model is being loaded; the first time this takes about a minute. This page opens by itself."""


class Shown(NamedTuple):
    """A page that can be served, and what its queue tells."""

    app: "FastAPI"
    questions: Questions


class Host:
    """The ASGI app: health, a word while the model loads, then the page behind its gate."""

    def __init__(self, settings: "Settings", host: str) -> None:
        """Nothing is shown yet."""
        self.settings, self.host = settings, host
        self.status = "loading"
        self._desk: Desk | None = None
        self._gate: Gate | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrivals: asyncio.Queue[tuple[Shown, Future[None]]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"] == "/health":
            await self._health()(scope, receive, send)
        elif self._gate is not None:
            await self._gate(scope, receive, send)
        elif scope["type"] == "http":
            await HTMLResponse(LOADING, 503, {"retry-after": "3"})(scope, receive, send)

    def show(self, desk: "Desk", page: Shown) -> None:
        """Begin to show a page; to be called from another thread than the server's."""
        assert self._loop is not None
        assert self._arrivals is not None
        shown: Future[None] = Future()
        self._loop.call_soon_threadsafe(self._arrivals.put_nowait, (page, shown))
        shown.result()
        self._desk, self.status = desk, "ok"

    def stop_taking(self) -> None:
        """Refuse new questions from now on."""
        self.status = "stopping"
        if self._gate is not None:
            self._gate.stopping = True

    async def _live(self, receive: Receive, send: Send) -> None:
        """Keep the page's own background work running from its arrival to the end."""
        await receive()
        self._loop, self._arrivals = asyncio.get_running_loop(), asyncio.Queue()
        await send({"type": "lifespan.startup.complete"})
        ending = asyncio.create_task(_message(receive))
        arriving = asyncio.create_task(self._arrivals.get())
        async with AsyncExitStack() as stack:
            await asyncio.wait({ending, arriving}, return_when=asyncio.FIRST_COMPLETED)
            if arriving.done():
                page, shown = arriving.result()
                await stack.enter_async_context(page.app.router.lifespan_context(page.app))
                self._gate = Gate(page.app, self.settings, page.questions, self.host)
                shown.set_result(None)
            arriving.cancel()
            await ending
        await send({"type": "lifespan.shutdown.complete"})

    def _health(self) -> JSONResponse:
        found: dict[str, Any] = {"status": self.status, "model": self.settings.model}
        if self._desk is not None and self._gate is not None:
            found["model"] = self._desk.about()["model"]
            found["open"] = len(self._gate.questions.open())
            found["waiting"] = self._gate.questions.waiting()
        found["read_only"] = self.settings.read_only
        return JSONResponse(found, 200 if self.status == "ok" else 503, {"cache-control": "no-store"})


async def _message(receive: Receive) -> Any:
    return await receive()


class Server:
    """One HTTP server in a thread of its own."""

    def __init__(self, settings: "Settings", host: str, port: int) -> None:
        """Not listening yet."""
        self.host = Host(settings, host)
        config = uvicorn.Config(
            SecurityHeaders(self.host, settings.embed_in or ""),
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            proxy_headers=False,  # the gate decides whom to believe
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=LAST_WORDS,
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
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(where[0], where[0])
        return f"http://{f'[{name}]' if ':' in name and name[0] != '[' else name}:{where[1]}/"

    def show(self, desk: "Desk") -> None:
        """Build the page of a desk and show it."""
        from ui.app import build_app, mounted  # gradio: the server listens before it is imported

        self.host.show(desk, mounted(build_app(desk), desk.settings))

    def close(self, verbose: bool = False) -> None:
        """Stop listening, and end what is still being sent."""
        logging.getLogger("uvicorn.error").setLevel(logging.DEBUG if verbose else logging.CRITICAL)
        self._server.should_exit = True
        self._thread.join()


def host_page(
    settings: "Settings",
    tell: Callable[[str], None],
    open_the_desk: Callable[[], "Desk"],
) -> None:
    """Serve the page until SIGTERM or Ctrl-C; then finish or stop the running question, and close all."""
    server = Server(settings, settings.host, settings.port)
    address = server.start()
    with ended_by_sigterm():
        try:
            desk = open_the_desk()
            try:
                server.show(desk)
                tell(f"askcircuit is open at {address} (Ctrl-C closes it).")
                pause = threading.Event()
                while not pause.wait(HOUR):
                    desk.forget_old()
            finally:
                server.host.stop_taking()
                finish(desk)
                server.close()
                desk.close()
        finally:
            server.close()


def finish(desk: "Desk") -> None:
    """Let the running question end, or end it; whoever still waits is told that it is over."""
    desk.turns.close(STOPPING)
    if not desk.turns.wait_until_empty(desk.settings.stop_seconds):
        desk.turns.stop()
        desk.turns.wait_until_empty(LAST_WORDS * 2)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
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
