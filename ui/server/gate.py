"""Who may ask, how often and with how much: a gate before the page. Knows no widgets and no model."""

import ipaddress
import json
import re
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from agent import Settings

COOKIE = "askcircuit-visitor"
VISITOR = re.compile(r"[0-9a-f]{32}")
LARGEST = 4_000_000  # bytes of a request: a question carries the conversation it is asked in
LARGEST_FILE = 40_000_000  # of one that brings a file: 24 MB of JSON, quoted once more
MINUTE = 60.0
CALLS = ("/queue/join", "/run/predict")  # where the page calls: with its queue and without
REMEMBERED = 20_000  # visitors and addresses whose questions are counted
LOGINS = 10  # attempts a minute from one address
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TOO_LONG = "The conversation has become too long to be sent with a question. Begin a new one."
READ_ONLY = "This copy is read-only: it answers no new questions. The gallery shows what was answered."
STOPPING = "This server is being stopped; ask again in a minute."


class Questions(Protocol):
    """What the gate has to know of the page's queue."""

    def is_question(self, fn_index: int) -> bool:
        """Whether this call of the page is a question."""

    def open(self) -> list[Scope]:
        """The requests of the questions that wait or run."""

    def waiting(self) -> int:
        """How many questions wait for their turn."""


class Rates:
    """Counts what each visitor did within the last minute; forgets who did nothing since."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `now` in seconds."""
        self._now = now
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, limits: Sequence[tuple[str, int]]) -> float:
        """Count one for each key, unless one of them is at its limit: then the seconds until it is not."""
        now = self._now()
        self._forget(now)
        waits = []
        for key, limit in limits:
            times = self._seen.setdefault(key, deque())
            while times and times[0] <= now - MINUTE:
                times.popleft()
            if len(times) >= limit:
                waits.append(times[-limit] + MINUTE - now)
        if waits:
            return max(waits)
        for key, _ in limits:
            self._seen[key].append(now)
            self._seen.move_to_end(key)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._seen:
            times = next(iter(self._seen.values()))
            if len(self._seen) <= REMEMBERED and times and times[-1] > now - MINUTE:
                return
            self._seen.popitem(last=False)


class Gate:
    """Passes on what may pass; what may not is answered with a sentence and the right status."""

    def __init__(self, app: ASGIApp, settings: "Settings", questions: Questions) -> None:
        """Stand before `app`."""
        self.app, self.settings, self.questions = app, settings, questions
        self.names = host_names(settings)
        self.stopping = False
        self._rates, self._attempts, self._calls = Rates(), Rates(), Rates()
        self._coming: set[str] = set()  # visitors whose question is on its way into the queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if refusal := self._refusal(scope, headers):
            await refusal(scope, receive, send)
        elif scope["method"] == "POST" and scope["path"].endswith("/queue/join"):
            await self._join(scope, headers, receive, send)
        elif is_login(scope):
            await self.app(scope, receive, with_wrong_logins_told(send))
        elif scope["method"] == "GET" and visitor_of(headers) is None:
            await self.app(scope, receive, with_cookie(send, secure=_is_https(scope, headers)))
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if not known_host(headers, self.names):
            return refusal_page(421, "This server is not known by that name (ASKCIRCUIT_HOSTS).")
        if scope["method"] != "POST":
            return None
        path: str = scope["path"]
        most = LARGEST_FILE if path.endswith(CALLS) else LARGEST
        size = parse_int(headers.get("content-length"))
        if size > most:
            return refusal_page(413, f"A request may have at most {most:,} bytes.")
        if size > LARGEST and path.endswith("/run/predict"):
            often = [(f"files {self._address(scope, headers)}", self.settings.address_rate)]
            if wait := self._rates.take(often):
                return rate_refusal("files", wait)
        if "/gradio_api/call/" in path or "/gradio_api/api/" in path:
            return refusal_page(
                404, "The page has no such interface; for machines there is `askcircuit mcp`."
            )
        if is_login(scope):
            wait = self._attempts.take([(self._address(scope, headers), LOGINS)])
            return rate_refusal("logins", wait) if wait else None
        if path.endswith("/upload"):
            wait = self._rates.take([(self._address(scope, headers), self.settings.address_rate)])
            return rate_refusal("uploads", wait) if wait else None
        return None

    async def _join(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        body = await read_body(receive, LARGEST_FILE)
        if body is None:
            await refusal_page(413, f"A request may have at most {LARGEST_FILE:,} bytes.")(
                scope, receive, send
            )
            return
        asked = _call(body)
        if asked is None:
            await refusal_page(400, "This is not a call of the page.")(scope, receive, send)
            return
        fn_index, session = asked
        again = replay_body(body, receive)
        if not self.questions.is_question(fn_index):
            often = 20 * self.settings.address_rate  # a slider that is moved asks several times a second
            address = self._address(scope, headers)
            wait = self._calls.take([(address, often)])
            if len(body) > LARGEST:
                wait = max(wait, self._rates.take([(f"files {address}", self.settings.address_rate)]))
            await (rate_refusal("calls", wait) if wait else self.app)(scope, again, send)
            return
        if len(body) > LARGEST:
            await refusal_page(413, TOO_LONG)(scope, again, send)
            return
        visitor = visitor_of(headers) or session
        scope["askcircuit.visitor"] = visitor
        refusal = self._question_refused(visitor, self._address(scope, headers))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._coming.add(visitor)
        try:
            await self.app(scope, again, send)
        finally:
            self._coming.discard(visitor)

    def _question_refused(self, visitor: str, address: str) -> Response | None:
        if self.settings.read_only:
            return refusal_page(403, READ_ONLY)
        if self.stopping:
            return refusal_page(503, STOPPING)
        if self.questions.waiting() >= self.settings.max_waiting:
            return refusal_page(
                429, f"{self.settings.max_waiting} questions are waiting already. Ask again in a minute."
            )
        own = [each for each in self.questions.open() if each.get("askcircuit.visitor") == visitor]
        if visitor in self._coming or len(own) >= self.settings.visitor_open:
            return refusal_page(429, "Your last question is not answered yet. Wait for it, or stop it.")
        limits = [
            (f"visitor {visitor}", self.settings.visitor_rate),
            (f"address {address}", self.settings.address_rate),
        ]
        wait = self._rates.take(limits)
        return rate_refusal("questions", wait) if wait else None

    def _address(self, scope: Scope, headers: Headers) -> str:
        return address_of(scope, headers, self.settings.proxies)


def _call(body: bytes) -> tuple[int, str] | None:
    """Which function of the page a body calls, and for which session."""
    try:
        call = json.loads(body)
        fn_index, session = call["fn_index"], call["session_hash"]
    except (ValueError, KeyError, TypeError):
        return None
    if type(fn_index) is not int or not isinstance(session, str) or not 0 < len(session) <= 64:
        return None
    return fn_index, session


def address_of(scope: Scope, headers: Headers, proxies: int) -> str:
    """Who asks: the peer, or what the outermost of so many trusted proxies says; IPv6 by its /64."""
    address = str((scope.get("client") or ("unknown", 0))[0])
    told = [each.strip() for line in headers.getlist("x-forwarded-for") for each in line.split(",")]
    if proxies and len(told) >= proxies:
        address = told[-proxies]
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return "unknown"
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def visitor_of(headers: Headers) -> str | None:
    """The visitor a browser's cookie names."""
    cookie: SimpleCookie = SimpleCookie()
    try:
        cookie.load(headers.get("cookie", ""))
    except CookieError:
        return None
    value = cookie[COOKIE].value if COOKIE in cookie else ""
    return value if VISITOR.fullmatch(value) else None


def is_login(scope: Scope) -> bool:
    """Whether somebody tries to log in."""
    path: str = scope["path"]
    return scope["method"] == "POST" and path.rstrip("/").endswith("/login")


def with_wrong_logins_told(send: Send) -> Send:
    """Answer a form that lacks the name or the password as a wrong one: Gradio's page tells only those."""

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 422:
            message["status"] = 400
        await send(message)

    return send_with


def with_cookie(send: Send, *, secure: bool) -> Send:
    """Give a new visitor a name of their own on the way back."""

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            flags = "; Secure" if secure else ""
            headers = MutableHeaders(scope=message)
            headers.append(
                "set-cookie", f"{COOKIE}={uuid.uuid4().hex}; Path=/; HttpOnly; SameSite=Lax{flags}"
            )
        await send(message)

    return send_with


def _is_https(scope: Scope, headers: Headers) -> bool:
    return scope["scheme"] == "https" or headers.get("x-forwarded-proto") == "https"


def host_names(settings: "Settings") -> frozenset[str] | None:
    """The names requests may call this server by; None: any.

    A page elsewhere can point its own name at 127.0.0.1 (DNS rebinding): on loopback only loopback's
    names are known, unless the settings say that a proxy stands in front.
    """
    if settings.hosts:
        return frozenset(name.strip().lower() for name in settings.hosts.split(",")) | LOOPBACK
    if settings.host in LOOPBACK and not settings.proxies:
        return LOOPBACK
    return None


def known_host(headers: Headers, names: Iterable[str] | None) -> bool:
    """Whether Host, and Origin where there is one, are names this server is called by."""
    if names is None:
        return True
    origin = headers.get("origin")
    called = [_name(f"//{headers.get('host', '')}"), *([_name(origin)] if origin else [])]
    return all(name in names for name in called)


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def refusal_page(status: int, sentence: str) -> JSONResponse:
    """A refusal as the page shows it."""
    return JSONResponse({"detail": sentence, "error": sentence}, status)


def rate_refusal(what: str, wait: float) -> Response:
    """A refusal that says when to come again."""
    seconds = int(wait) + 1
    response = refusal_page(429, f"Too many {what} in a minute. Try again in {seconds} s.")
    response.headers["retry-after"] = str(seconds)
    return response


def parse_int(text: str | None) -> int:
    """A header's number; what is none counts as 0."""
    return int(text) if text and text.isdecimal() else 0


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The body of a request; None when it is too large or was cut off."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request" or len(body) > most:
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body) if len(body) <= most else None


def replay_body(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once more."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
