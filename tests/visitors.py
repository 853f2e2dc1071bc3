"""A visitor of the page without a browser: speaks to its queue over HTTP, as the browser's script does."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

PLACE = re.compile(r"(?:another question is|(\d+) questions are) answered before this one")


@dataclass
class Outcome:
    """What came of a question; times in seconds from when it was sent."""

    status: int
    refusal: str = ""
    places: list[int] = field(default_factory=list)  # how many come before it, as it was told
    started: float | None = None
    ended: float | None = None
    success: bool = False
    chat: list[dict[str, Any]] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The last message of the chat."""
        return str(self.chat[-1]["content"]) if self.chat else ""


class Visitor:
    """One browser: its cookie, its conversation."""

    def __init__(self, address: str, *, forwarded: str = "", login: tuple[str, str] | None = None) -> None:
        headers = {"x-forwarded-for": forwarded} if forwarded else {}
        self.http = httpx.Client(base_url=address, timeout=600, headers=headers)
        if login:
            self.http.post("/login", data={"username": login[0], "password": login[1]}).raise_for_status()
        self.http.get("/").raise_for_status()  # for the cookie
        config = self.http.get("/config").raise_for_status().json()
        self._widgets = {each["id"]: each for each in config["components"]}
        self._box = next(id for id, w in self._widgets.items() if w["props"].get("elem_id") == "ask")
        self._call = next(
            call for call in config["dependencies"] if [self._box, "submit"] in map(list, call["targets"])
        )
        self._opening = next(
            call for call in config["dependencies"] if "load" in dict(call["targets"]).values()
        )
        self.session = uuid.uuid4().hex[:11]
        self.chat: list[dict[str, Any]] = []

    def body(self, message: str) -> dict[str, Any]:
        """What the browser's script sends."""
        data = [self._value(id, message) for id in self._call["inputs"]]
        more = {"session_hash": self.session, "trigger_id": self._box, "event_data": None}
        return {"data": data, "fn_index": self._call["id"], **more}

    def open(self) -> list[Any]:
        """What the page shows when it has been opened, widget by widget."""
        body = {"data": [None, None], "fn_index": self._opening["id"], "session_hash": self.session}
        joined = self.http.post("/gradio_api/queue/join", json=body).raise_for_status().json()
        *_, last = self._listen(joined["event_id"])
        return list(last["output"]["data"])

    def _value(self, id: int, message: str) -> Any:
        if id == self._box:
            return message
        kind = self._widgets[id]["type"]
        return {"state": None, "chatbot": self.chat}.get(kind, self._widgets[id]["props"].get("value") or "")

    def ask(self, message: str, meanwhile: Callable[[str], None] = lambda _what: None) -> Outcome:
        """Ask and listen to the end; `meanwhile` is called with each kind of message."""
        began = time.monotonic()
        joined = self.http.post("/gradio_api/queue/join", json=self.body(message))
        if joined.status_code != 200:
            return Outcome(joined.status_code, refusal=joined.json()["detail"])
        outcome, waited = Outcome(200), False
        for told in self._listen(joined.json()["event_id"]):
            now = time.monotonic() - began
            if told["msg"] == "process_starts":
                outcome.started = now
            elif told["msg"] == "process_generating":
                piece = json.dumps(told["output"].get("data"), ensure_ascii=False)
                outcome.places += [int(n or 1) for n in PLACE.findall(piece)]
                if "✓ Wait" in piece and not waited:
                    outcome.started, waited = now, True
            elif told["msg"] == "process_completed":
                outcome.ended, outcome.success = now, told["success"]
                shown = (told["output"].get("data") or [[]])[0]
                outcome.chat = self.chat = shown if isinstance(shown, list) else []
            meanwhile(told["msg"])
        return outcome

    def _listen(self, event: str) -> Iterator[dict[str, Any]]:
        """The messages on one question up to its last."""
        with self.http.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": self.session}
        ) as lines:
            for line in lines.iter_lines():
                told = json.loads(line[5:]) if line.startswith("data:") else {}
                if told.get("event_id") == event:
                    yield told
                    if told["msg"] == "process_completed":
                        return

    def close(self) -> None:
        """Leave."""
        self.http.close()
