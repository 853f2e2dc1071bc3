"""One exchange with an OpenAI-compatible server, and all that can go wrong with it. Decides nothing.

The exchange is asynchronous inside, because only a cancelled task ends a read that is stuck: closing
its connection is what makes the server stop. Whoever calls sees a plain function.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from agent.core.llm_reply import BROKE_OFF, Completion, ReplyReader
from agent.core.settings import Settings

log = logging.getLogger(__name__)

DEADLINE = 120.0  # seconds for one exchange, retries and all
STALL = 60.0  # seconds between two bytes
CONNECT = 5.0
RETRIES = 2  # with back-off, by the openai client: refused connections, 408, 409, 429, 5xx
REPLY_TOKENS = 400  # an action is short, where the server does not think first
WORDING_TOKENS = 3_000  # an answer is not
POLL_SECONDS = 0.05  # seconds between two looks at the cancel button

BROKEN_OFF = "it could not be reached, or broke off"
NO_PROTOCOL = "what it sends is not the OpenAI protocol"
SECRET = 6  # characters of a key; a shorter one is a word such as "none"
NOT_TAKEN = re.compile(r"tool|function|response_format|schema", re.I)  # in a 404: what it has not

Messages = list[dict[str, Any]]


class Unreachable(Exception):
    """The server cannot be used: down, refusing, or not speaking the protocol. The text is fit to show."""


class Cancelled(Exception):
    """The user asked to stop."""


class Endpoint:
    """A server, with what has been learnt about it: whether it takes tools, shapes, streams, thinks."""

    def __init__(self, settings: Settings, cancel: threading.Event) -> None:
        self._url = settings.llm_base_url or ""
        self._model = settings.llm_model or "default"
        self._key = settings.llm_api_key
        self._cancel = cancel
        self._manner = 0
        self._streams = True
        self._shapes = True
        self._thinks = False

    @property
    def name(self) -> tuple[str, str]:
        """Its address and the name of its model."""
        return self._url, self._model

    @property
    def takes_tools(self) -> bool:
        """Whether tools are still offered to this server."""
        return self._manner < len(REQUEST_VARIANTS) - 1

    def clean(self, text: str) -> str:
        """The text on one line without control characters, and without the key should it be echoed."""
        key = (self._key.get_secret_value() if self._key else "").strip()
        if len(key) >= SECRET and key in text:
            text = text.replace(key, "[key]")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())

    def converse(
        self,
        messages: Messages,
        tools: Sequence[dict[str, Any]] = (),
        most: int = WORDING_TOKENS,
        shape: dict[str, Any] | None = None,
    ) -> Completion:
        """The reply of at most so many tokens: an action where tools are offered, an object where a shape is.

        Raises Unreachable or Cancelled only.
        """
        short = (tools or shape) and not self._thinks
        asked = _Asked(messages, tools, min(most, REPLY_TOKENS if short else WORDING_TOKENS), shape)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="llm") as pool:  # no loop runs in there
            turn = pool.submit(asyncio.run, self._until_cancelled(asked)).result()
        self._thinks = self._thinks or turn.only_thinks
        said = len(turn.content) + sum(len(a) for _, a in turn.calls)
        sent = count_characters(messages, tools)
        turn.tokens = max(turn.tokens, (sent + said) // 8)  # a server may leave the usage out, or lie
        return turn

    async def _until_cancelled(self, asked: "_Asked") -> Completion:
        work = asyncio.ensure_future(self._in_time(asked))
        while not work.done():
            await asyncio.wait([work], timeout=POLL_SECONDS)
            if self._cancel.is_set() and not work.done():
                work.cancel()
                await asyncio.wait([work])
                raise Cancelled
        return work.result()

    async def _in_time(self, asked: "_Asked") -> Completion:
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._try_variants(asked)
        except TimeoutError:
            raise Unreachable(f"no whole reply within {DEADLINE:.0f} s") from None
        except openai.APITimeoutError:
            raise Unreachable("it stopped answering") from None
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise Unreachable("it does not accept the key") from None
        except openai.APIStatusError as exc:
            raise Unreachable(f"it answered with HTTP {exc.status_code}") from None
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ExceptionGroup):
            raise Unreachable(BROKEN_OFF) from None
        except (AttributeError, TypeError, KeyError, IndexError, ValueError, RecursionError):
            # what came back is not of the protocol; the client hands it on unchecked
            raise Unreachable(NO_PROTOCOL) from None

    async def _try_variants(self, asked: "_Asked") -> Completion:
        """Ask as this server can be asked, giving up first the shape, then the extras, then the tools."""
        key = (self._key.get_secret_value() if self._key else "").strip() or "none"
        if not (key.isascii() and key.isprintable()):  # the HTTP library would print it in its complaint
            raise Unreachable("the key holds characters that no key can have")
        timeout = openai.Timeout(STALL, connect=CONNECT)
        async with openai.AsyncOpenAI(
            base_url=self._url, api_key=key, timeout=timeout, max_retries=RETRIES
        ) as client:
            while True:
                request = self._make_request(asked)
                try:
                    return await self._ask(client, request)
                except openai.APIStatusError as exc:
                    if not self._ask_more_simply(exc, request):
                        raise
                    log.info("the server refused a request (HTTP %s); asked more simply", exc.status_code)

    def _make_request(self, asked: "_Asked") -> dict[str, Any]:
        """The request in the manner that this server has not refused so far."""
        bound, extras = REQUEST_VARIANTS[self._manner]
        more: dict[str, Any] = {bound: asked.most, **extras}
        if asked.tools and self.takes_tools:
            more["tools"] = list(asked.tools)
        if asked.shape is not None and self._shapes:
            schema = {"name": "reply", "schema": asked.shape}
            more["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {"model": self._model, "messages": asked.messages, **more}

    def _ask_more_simply(self, exc: openai.APIStatusError, request: dict[str, Any]) -> bool:
        """Give up what the server may have refused; whether anything was left to give up."""
        simpler = isinstance(exc, openai.BadRequestError | openai.UnprocessableEntityError)
        gone = isinstance(exc, openai.InternalServerError)
        named = isinstance(exc, openai.NotFoundError) and NOT_TAKEN.search(str(exc)) is not None
        if not (simpler or gone or named):
            return False
        if "response_format" in request:
            self._shapes = False
            return True
        if not self.takes_tools:
            return False
        last = len(REQUEST_VARIANTS) - 1
        self._manner = self._manner + 1 if simpler else last
        return True

    async def _ask(self, client: openai.AsyncOpenAI, request: dict[str, Any]) -> Completion:
        if self._streams:
            turn = await _gather_stream(client, request)
            if turn is not None:
                return turn
            self._streams = False  # not one event came: it sent a whole reply
        request.pop("stream_options", None)
        return _read_whole_reply(await client.chat.completions.create(**request))


@dataclass(frozen=True)
class _Asked:
    """What is asked of a server, whichever way it takes it."""

    messages: Messages
    tools: Sequence[dict[str, Any]]
    most: int  # tokens of the reply
    shape: dict[str, Any] | None  # JSON schema of the reply


def count_characters(messages: Messages, tools: Sequence[dict[str, Any]]) -> int:
    """How long what is sent is."""
    return sum(len(str(m["content"])) for m in messages) + sum(len(str(tool)) for tool in tools)


REQUEST_VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (  # how the length is bounded, and extras
    ("max_tokens", {"temperature": 0, "stream_options": {"include_usage": True}}),
    ("max_completion_tokens", {}),
    ("max_tokens", {}),  # the last one is asked without tools
)


async def _gather_stream(client: openai.AsyncOpenAI, request: dict[str, Any]) -> Completion | None:
    """Gather a stream; None where not one event came."""
    reader, ended, chunks, broke = ReplyReader(), False, 0, False
    stream = await client.chat.completions.create(stream=True, **request)
    try:
        async for chunk in stream:
            chunks += 1
            reader.count(chunk.usage)
            if not chunk.choices:
                continue
            choice = chunk.choices[0]
            piece = getattr(choice, "delta", None) or getattr(choice, "message", None)
            if piece is not None and not hasattr(piece, "content"):
                raise TypeError("a piece of a reply is no object")
            reader.add(piece)
            ended = ended or bool(choice.finish_reason)
            if reader.turn.cut:
                break
    except openai.APITimeoutError:
        raise
    except (openai.APIConnectionError, httpx2.ReadError, httpx2.RemoteProtocolError):
        broke = True
    finally:
        await stream.close()
    if not chunks:
        return None
    if broke:
        reader.turn.cut = BROKE_OFF
    return reader.finish(ended=ended)


def _read_whole_reply(reply: Any) -> Completion:
    """A reply that came in one piece, within the same limits."""
    reader = ReplyReader()
    reader.count(reply.usage)
    reader.add(reply.choices[0].message)
    return reader.finish()
