"""The verbs as an MCP server, over stdio or HTTP. Decides nothing; prints nothing but the protocol."""

import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
from anyio import from_thread, to_thread
from mcp.server import Server as Protocol
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, ListToolsResult, TextContent, Tool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.base import ModelLoader, Refused, find_version
from ui.machines.verb_list import VERBS, validate_arguments
from ui.machines.verbs import Call, Client
from ui.server import (
    LOOPBACK,
    Rates,
    Server,
    address_of,
    end_on_sigterm,
    finish_questions,
    host_names,
    known_host,
    matches_secret,
    parse_int,
    rate_refusal,
    refusal_page,
    wait_for_signal,
)

if TYPE_CHECKING:
    from agent import Settings

LARGEST = 1_000_000  # bytes of a request
PROGRESS_SECONDS = 0.2  # seconds between two notes on progress
LINES = 50  # of them may be on their way
INSTRUCTIONS = (
    "Explains why a language model continued a text as it did, with an attribution graph and tests. Call "
    "`why` first; `intervene` and `ask` go on from its thread. Labels of features are hints; verdicts come "
    "from tests."
)


def protocol(client: Client) -> Protocol[Any]:
    """The server of one kind of client, not connected to anything yet."""
    threads, under_way = anyio.CapacityLimiter(client.waiting + 1), 0

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(tools=[describe_verb(name) for name in VERBS])

    async def call_tool(context: Any, params: Any) -> CallToolResult:
        nonlocal under_way
        from agent import AgentError

        under_way += 1
        try:
            verb = validate_arguments(params.name, params.arguments or {})
            if under_way > client.waiting + 1:
                most = client.waiting + 1
                raise Refused(f"The server has {most} calls under way, its most. Call again in a minute.")
            result = await in_thread(
                lambda call: verb.run(call), client, context.session.report_progress, threads
            )
        except (Refused, AgentError) as exc:
            return CallToolResult(content=[TextContent(type="text", text=str(exc))], is_error=True)
        finally:
            under_way -= 1
        words = result.words
        if thread := result.data.get("thread"):
            words = f"{words}\n\nthread: {thread}"
        return CallToolResult(content=[TextContent(type="text", text=words)], structured_content=result.data)

    return Protocol(
        "askcircuit",
        version=find_version("askcircuit") or "",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def describe_verb(name: str) -> Tool:
    """A verb as clients see it."""
    verb = VERBS[name]
    schema = verb.model_json_schema()
    words = " ".join((verb.__doc__ or "").split())
    schema.pop("description", None)
    return Tool(name=name, description=words, input_schema=schema)


async def in_thread(
    act: Callable[[Call], Any],
    client: Client,
    report: Callable[[float, float | None, str | None], Coroutine[Any, Any, None]],
    threads: anyio.CapacityLimiter,
) -> Any:
    """Run a verb in a thread; a cancelled request ends it within a step of the model's work."""
    cancel, told = threading.Event(), 0.0
    lines_in, lines_out = anyio.create_memory_object_stream[str](LINES)

    def tell(line: str) -> None:
        nonlocal told
        if cancel.is_set() or time.monotonic() - told < PROGRESS_SECONDS:
            return
        told = time.monotonic()
        # never wait for a client that reads slowly, or is gone
        with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            from_thread.run_sync(lines_in.send_nowait, line)

    async def pass_on() -> None:
        count = 0
        async for line in lines_out:
            count += 1
            await report(float(count), None, line)

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancel.set()

    done: Future[Any] = Future()

    def work() -> None:
        try:
            done.set_result(act(Call(client, tell, cancel)))
        except Exception as exc:  # raised below: a task group would wrap it
            done.set_exception(exc)

    async with lines_in, lines_out, anyio.create_task_group() as group:
        group.start_soon(watch)
        group.start_soon(pass_on)
        try:
            await to_thread.run_sync(work, limiter=threads)
        finally:
            group.cancel_scope.cancel()
    return done.result()


def serve_stdio(settings: "Settings", opening: ModelLoader) -> None:
    """Speak MCP on stdin and stdout until stdin ends or SIGTERM comes."""

    async def speak() -> None:
        server = protocol(Client(True, opening, settings.max_waiting))
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    try:
        with end_on_sigterm():
            anyio.run(speak)
    except SystemExit:
        close_server(opening)
        os._exit(0)  # a thread still reads stdin; nothing but a line on it would let Python end
    close_server(opening)


def serve_http(settings: "Settings", opening: ModelLoader, tell: Callable[[str], None]) -> None:
    """Speak MCP over HTTP until SIGTERM or Ctrl-C."""
    server = Server(http_app(settings, opening), settings.host, settings.port)
    try:
        with end_on_sigterm():
            tell(f"askcircuit speaks MCP at {server.start()}mcp (Ctrl-C ends it).")
            opening.workspace()  # a model that cannot be loaded ends the server with a sentence
            wait_for_signal()
    finally:
        close_server(opening)
        server.close()


def check_open(settings: "Settings") -> None:
    """Refuse to be open to other machines without a token."""
    if settings.token is not None:
        return
    more = "set ASKCIRCUIT_TOKEN, which they then give as a bearer token, or"
    if settings.host not in LOOPBACK:
        raise Refused(f"At {settings.host} other machines could use this server: {more} listen on 127.0.0.1.")
    if settings.hosts or settings.proxies:
        raise Refused(
            f"Behind a proxy other machines could use this server: {more} leave ASKCIRCUIT_HOSTS and "
            "ASKCIRCUIT_PROXIES out."
        )


def http_app(settings: "Settings", opening: ModelLoader) -> ASGIApp:
    """The protocol as an ASGI app behind its door; its path is /mcp."""
    ours = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the door looks at that
    app = protocol(Client(False, opening, settings.max_waiting)).streamable_http_app(
        transport_security=ours, max_request_body_size=LARGEST
    )
    return TokenGate(app, settings)


class TokenGate:
    """Lets in who knows our name and, where there is one, the token."""

    def __init__(self, app: ASGIApp, settings: "Settings") -> None:
        """Stand before `app`."""
        self.app, self.settings = app, settings
        self.names = host_names(settings)
        self._rates = Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not known_host(headers, self.names):
            return refusal_page(403, "This server is not known by that name (ASKCIRCUIT_HOSTS).")
        if parse_int(headers.get("content-length")) > LARGEST:
            return refusal_page(413, f"A request may have at most {LARGEST:,} bytes.")
        address = address_of(scope, headers, self.settings.proxies)
        if scope["method"] == "POST" and (wait := self._rates.take([(address, self.settings.address_rate)])):
            return rate_refusal("requests", wait)
        if self.settings.token is not None:
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not matches_secret(self.settings.token, given):
                answer = refusal_page(401, "Give the token of this server: Authorization: Bearer ….")
                answer.headers["www-authenticate"] = "Bearer"
                return answer
        return None


def close_server(opening: ModelLoader) -> None:
    """Finish or stop what runs, and close the workspace, if it was ever open."""
    if opening.ready:
        finish_questions(opening)
        opening.close()
