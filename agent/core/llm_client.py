"""One exchange with an OpenAI-compatible server, and all that can go wrong with it. Decides nothing.

The exchange is asynchronous inside, because only a cancelled task ends a read that is stuck: closing
its connection is what makes the server stop. Whoever calls sees a plain function.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from agent.core.settings import Settings

log = logging.getLogger(__name__)

DEADLINE = 120.0  # seconds for one exchange, retries and all
STALL = 60.0  # seconds between two bytes
CONNECT = 5.0
RETRIES = 2  # with back-off, by the openai client: refused connections, 408, 409, 429, 5xx
MAX_REPLY_CHARACTERS = 20_000  # characters of a reply; a longer one is cut off, its connection closed
MAX_TOOL_CALLS = 8  # tool calls of a reply; a storm of them is cut off
REPLY_TOKENS = 400  # an action is short
WORDING_TOKENS = 3_000  # an answer is not
POLL_SECONDS = 0.05  # seconds between two looks at the cancel button

Messages = list[dict[str, Any]]


class Unreachable(Exception):
    """The server cannot be used: down, refusing, or not speaking the protocol. The text is fit to show."""


class Cancelled(Exception):
    """The user asked to stop."""


@dataclass
class Completion:
    """What came back: words, tool calls as (name, arguments), and what it cost."""

    content: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    refusal: str = ""
    tokens: int = 0
    cut: str = ""  # why the reply was not read to its end
    thought: str = ""  # what it said to itself first

    def take_off_thoughts(self) -> None:
        """Part what is between <think> and </think> from the words; the first mark may be the template's."""
        before, mark, after = self.content.rpartition("</think>")
        if not mark:
            after, mark, before = self.content.partition("<think>")
        if mark:
            self.thought, self.content = before.replace("<think>", "").strip(), after.strip()

    @property
    def is_whole(self) -> bool:
        """Whether an action came to its end, though the server did not say so."""
        if self.calls:
            return all(not given.strip() or find_json_object(given) is not None for _, given in self.calls)
        return find_json_object(self.content) is not None


class Endpoint:
    """A server, with what has been learnt about it: whether it takes tools, and whether it streams."""

    def __init__(self, settings: Settings, cancel: threading.Event) -> None:
        self._url = settings.llm_base_url or ""
        self._model = settings.llm_model or "default"
        self._key = settings.llm_api_key
        self._cancel = cancel
        self._manner = 0
        self._streams = True

    @property
    def takes_tools(self) -> bool:
        """Whether tools are still offered to this server."""
        return self._manner < len(REQUEST_VARIANTS) - 1

    def clean(self, text: str) -> str:
        """The text on one line without control characters, and without the key should it be echoed."""
        key = (self._key.get_secret_value() if self._key else "").strip()
        if key and key in text:
            text = text.replace(key, "[key]")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())

    def converse(
        self, messages: Messages, tools: Sequence[dict[str, Any]] = (), most: int = WORDING_TOKENS
    ) -> Completion:
        """The reply, an action where tools are offered, else words, of at most so many tokens.

        Raises Unreachable or Cancelled only.
        """
        most = min(most, REPLY_TOKENS if tools else WORDING_TOKENS)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="llm") as pool:  # no loop runs in there
            turn = pool.submit(asyncio.run, self._until_cancelled(messages, tools, most)).result()
        said = len(turn.content) + sum(len(a) for _, a in turn.calls)
        sent = count_characters(messages, tools)
        turn.tokens = max(turn.tokens, (sent + said) // 8)  # a server may leave the usage out, or lie
        return turn

    async def _until_cancelled(
        self, messages: Messages, tools: Sequence[dict[str, Any]], most: int
    ) -> Completion:
        work = asyncio.ensure_future(self._in_time(messages, tools, most))
        while not work.done():
            await asyncio.wait([work], timeout=POLL_SECONDS)
            if self._cancel.is_set() and not work.done():
                work.cancel()
                await asyncio.wait([work])
                raise Cancelled
        return work.result()

    async def _in_time(self, messages: Messages, tools: Sequence[dict[str, Any]], most: int) -> Completion:
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._try_variants(messages, tools, most)
        except TimeoutError:
            raise Unreachable(f"no whole reply within {DEADLINE:.0f} s") from None
        except openai.APITimeoutError:
            raise Unreachable("it stopped answering") from None
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise Unreachable("it does not accept the key") from None
        except openai.APIStatusError as exc:
            raise Unreachable(f"it answered with HTTP {exc.status_code}") from None
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ExceptionGroup):
            raise Unreachable("it could not be reached, or broke off") from None
        except (AttributeError, TypeError, KeyError, IndexError, ValueError, RecursionError):
            # what came back is not of the protocol; the client hands it on unchecked
            raise Unreachable("what it sends is not the OpenAI protocol") from None

    async def _try_variants(
        self, messages: Messages, tools: Sequence[dict[str, Any]], most: int
    ) -> Completion:
        """Ask as this server can be asked, giving up first the extras, then the tools."""
        key = (self._key.get_secret_value() if self._key else "").strip() or "none"
        if not (key.isascii() and key.isprintable()):  # the HTTP library would print it in its complaint
            raise Unreachable("the key holds characters that no key can have")
        timeout = openai.Timeout(STALL, connect=CONNECT)
        async with openai.AsyncOpenAI(
            base_url=self._url, api_key=key, timeout=timeout, max_retries=RETRIES
        ) as client:
            while True:
                bound, extras = REQUEST_VARIANTS[self._manner]
                more = {bound: most, **extras}
                if tools and self.takes_tools:
                    more["tools"] = list(tools)
                try:
                    return await self._ask(client, {"model": self._model, "messages": messages, **more})
                except (openai.BadRequestError, openai.UnprocessableEntityError) as exc:
                    if not self.takes_tools:
                        raise
                    self._manner += 1
                    log.info("the server refused a request (HTTP %s); asked more simply", exc.status_code)
                except openai.InternalServerError:
                    if not self.takes_tools:
                        raise
                    self._manner = len(REQUEST_VARIANTS) - 1

    async def _ask(self, client: openai.AsyncOpenAI, request: dict[str, Any]) -> Completion:
        if self._streams:
            turn = await _gather_stream(client, request)
            if turn is not None:
                return turn
            self._streams = False  # not one event came: it sent a whole reply
        request.pop("stream_options", None)
        return _read_whole_reply(await client.chat.completions.create(**request))


def count_characters(messages: Messages, tools: Sequence[dict[str, Any]]) -> int:
    """How long what is sent is."""
    return sum(len(str(m["content"])) for m in messages) + sum(len(str(tool)) for tool in tools)


REQUEST_VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (  # how the length is bounded, and extras
    ("max_tokens", {"temperature": 0, "stream_options": {"include_usage": True}}),
    ("max_completion_tokens", {}),
    ("max_tokens", {}),  # the last one is asked without tools
)


async def _gather_stream(client: openai.AsyncOpenAI, request: dict[str, Any]) -> Completion | None:
    """Gather a stream: the first id and name of a call count, arguments add up, indices may lack."""
    turn, slots, ended, chunks = Completion(), dict[int, list[str]](), False, 0
    stream = await client.chat.completions.create(stream=True, **request)
    try:
        async for chunk in stream:
            chunks += 1
            turn.tokens = max(turn.tokens, _count_tokens(chunk.usage))
            if not chunk.choices:
                continue
            choice = chunk.choices[0]
            _add_delta(turn, slots, choice.delta)
            ended = ended or bool(choice.finish_reason)
            if turn.cut:
                break
    except openai.APITimeoutError:
        raise
    except (openai.APIConnectionError, httpx2.ReadError, httpx2.RemoteProtocolError):
        turn.cut = "the reply broke off"
    finally:
        await stream.close()
    if not chunks:
        return None
    turn.calls = [(name, arguments) for _, (name, arguments) in sorted(slots.items()) if name]
    turn.take_off_thoughts()
    if not ended and not turn.cut and not turn.is_whole:
        turn.cut = "the reply broke off"
    return turn


def _add_delta(turn: Completion, slots: dict[int, list[str]], delta: Any) -> None:
    if delta is None:
        return
    turn.content += _words(delta.content)
    turn.thought += _text(getattr(delta, "reasoning_content", None))
    turn.refusal += _text(getattr(delta, "refusal", None))
    for position, call in enumerate(delta.tool_calls or []):
        index = call.index if isinstance(call.index, int) else position
        slot = slots.setdefault(index, ["", ""])
        if call.function is not None:
            slot[0] = slot[0] or _text(call.function.name)
            slot[1] += _arguments(call.function.arguments)
    if len(slots) > MAX_TOOL_CALLS:
        turn.cut = f"more than {MAX_TOOL_CALLS} tool calls at once"
    elif (
        len(turn.content) + len(turn.refusal) + sum(len(s[1]) for s in slots.values()) > MAX_REPLY_CHARACTERS
    ):
        turn.cut = f"the reply is longer than {MAX_REPLY_CHARACTERS} characters"


def _read_whole_reply(reply: Any) -> Completion:
    """A reply that came in one piece, within the same limits."""
    turn, slots = Completion(tokens=_count_tokens(reply.usage)), dict[int, list[str]]()
    message = reply.choices[0].message
    _add_delta(turn, slots, _Piece(message.content, getattr(message, "refusal", None), []))
    for index, call in enumerate(message.tool_calls or []):
        slots[index] = [_text(call.function.name), _arguments(call.function.arguments)]
    _add_delta(turn, slots, _Piece(None, None, []))
    turn.calls = [(name, arguments) for name, arguments in slots.values() if name]
    turn.take_off_thoughts()
    return turn


@dataclass(frozen=True)
class _Piece:
    content: Any
    refusal: Any
    tool_calls: list[Any]


def _text(value: Any) -> str:
    """A string, or nothing: other types are not of the protocol."""
    return value if isinstance(value, str) else ""


def _words(content: Any) -> str:
    """Words, in one piece or in parts of type text; parts of other types are no words."""
    if not isinstance(content, list):
        return _text(content)
    parts = [part if isinstance(part, dict) else getattr(part, "__dict__", {}) for part in content]
    return "".join(_text(part.get("text")) for part in parts if part.get("type") in ("text", "output_text"))


def _arguments(given: Any) -> str:
    """A call's arguments as JSON; some servers send the object itself."""
    return json.dumps(given) if isinstance(given, dict) else _text(given)


def _count_tokens(usage: Any) -> int:
    total = getattr(usage, "total_tokens", 0)
    return total if isinstance(total, int) and 0 <= total < 10**9 else 0


def find_json_object(said: str) -> dict[str, Any] | None:
    """The first JSON object in a text, whatever stands around it."""
    decoder = json.JSONDecoder()
    starts = [i for i, c in enumerate(said) if c == "{"][:50]
    for start in starts:
        try:
            value, _ = decoder.raw_decode(said, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None
