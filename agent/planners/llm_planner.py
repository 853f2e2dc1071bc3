"""The planner that asks an LLM for the next action and for words. Runs nothing, trusts nothing it is told.

What it proposes goes through `agent.planners.preconditions`; after one correction, or when the server or the
budget is gone, the rules decide. What was refused, and what it cost, stands in the notes of the decision.
"""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.core import (
    BROKEN_OFF,
    NO_PROTOCOL,
    WORDING_TOKENS,
    Action,
    Cancelled,
    Completion,
    Decision,
    EffectClaim,
    Endpoint,
    Messages,
    Settings,
    State,
    Stopped,
    Unreachable,
    count_characters,
    frame_data,
    groups_of,
    own_claims,
    render_prompt,
)
from agent.evidence import Sentence
from agent.planners.hypothesis_choice import MAX_TESTS
from agent.planners.llm_actions import parse_action
from agent.planners.llm_context import action_tools, describe_actions, number_sentences, summarise_state
from agent.planners.llm_reading import read_message
from agent.planners.permission import PermissionRequest, count_grants
from agent.planners.preconditions import find_objection, list_possible_actions, list_styles
from agent.planners.reading_exam import passes_exam
from agent.planners.rule_planner import RulePlanner
from agent.planners.thresholds import REFUSED, Budget, find_overspending
from agent.questions import Intent, Question

log = logging.getLogger(__name__)

TOKENS = 60_000  # a question
MAX_EXCHANGES = 40  # a question
SECONDS = 300.0  # a question, of waiting for the server
MAX_FAILURES = 3  # steps the rules had to decide, after which they decide the rest
CHARACTERS_PER_TOKEN = 3  # of what is sent, a token: English and JSON have more
EXCHANGE = 4_000  # tokens one is taken to cost before there was one
KEPT = ("tokens", "exchanges", "strikes", "seconds", "gone")
LEAST_REPLY = 100  # tokens; an action does not fit into fewer
BROKEN = (BROKEN_OFF, NO_PROTOCOL)
SHOWN = 160  # characters of the LLM's own words in a note

_ACTION: TypeAdapter[Action] = TypeAdapter(Action)


class LLMPlanner:
    """An LLM's choices and words for one question, checked; the rules where it fails."""

    def __init__(
        self,
        settings: Settings,
        cancel: threading.Event,
        budget: Budget = Budget(),  # noqa: B008
        *,
        thorough: bool = False,
    ) -> None:
        self._nodes, self._budget = settings.nodes, budget
        self._price, self._dollars = settings.llm_price, settings.llm_dollars
        self._rules = RulePlanner(settings.nodes, budget, thorough=thorough)
        self._endpoint, self._model = Endpoint(settings, cancel), settings.llm_model or "the language model"
        self._tokens = self._exchanges = self._strikes = self._granted = 0
        self._seconds = 0.0
        self._gone = self._unread = ""
        self._notes = [self._allowed()] if self._price is not None else []

    def _allowed(self) -> str:
        """What the question may cost, told before anything is spent."""
        most = "" if self._dollars is None else f" or ${self._dollars:g}"
        price = f"at ${self._price:g} a million"
        return f"the language model may use {TOKENS} tokens{most} on this question, {price}"

    @property
    def name(self) -> str:
        """How reports call it."""
        return "llm"

    @property
    def model(self) -> str:
        """The language model's name at its server."""
        return self._model

    @property
    def stop_reason(self) -> str:
        """Why the rules took over for good; empty while they have not."""
        return self._gone

    def spent(self) -> dict[str, float]:
        """Exchanges with the server, tokens and, where the price is known, dollars, for this question."""
        money = {} if self._price is None else {"llm_dollars": round(self._cost, 6)}
        return {"llm_exchanges": self._exchanges, "llm_tokens": self._tokens, **money}

    def kept(self) -> dict[str, Any]:
        """What it has spent and seen of the server, to be gone on with by another of its kind."""
        return {name: getattr(self, f"_{name}") for name in KEPT}

    def go_on(self, kept: Mapping[str, Any]) -> None:
        """Take over what another of its kind has spent on this question."""
        for name in KEPT:
            setattr(self, f"_{name}", kept[name])
        self._notes.clear()

    def asks_for(self, state: State) -> PermissionRequest | None:
        """What has to be asked before the server is; None where a choice costs no more than is allowed.

        An exchange is taken to cost what those so far have cost in the mean.
        """
        most, times = self._dollars, count_grants(state, "dollars")
        if most is None or not self._price or times == REFUSED or not self._is_free(state):
            return None
        each = self._tokens / self._exchanges if self._exchanges else EXCHANGE
        more = each * self._price / 1e6
        if self._cost + more <= most * (1 + times):
            return None
        what = (
            f"Asking the language model again would cost about ${more:.4f}. This question has cost "
            f"${self._cost:.4f}, and ${most * (1 + times):g} are allowed (ASKCIRCUIT_LLM_DOLLARS). "
            f"Go on, with ${most:g} more allowed? Yes goes on; after a no the rules decide the rest."
        )
        return PermissionRequest("dollars", what)

    def _is_free(self, state: State) -> bool:
        """Whether the server is asked for the next action."""
        return not self._gone and not find_overspending(state, self._budget) and self._is_open(state)

    @property
    def _most(self) -> float | None:
        """Dollars this question may cost."""
        return None if self._dollars is None else self._dollars * (1 + self._granted)

    @property
    def _cost(self) -> float:
        """Dollars spent on this question, at the price of the settings."""
        return self._tokens * (self._price or 0.0) / 1e6

    def _affordable(self, messages: Messages, offered: Sequence[dict[str, Any]]) -> int:
        """Tokens a reply to these may have, so that the question costs no more than it may."""
        if self._most is None or not self._price:
            return WORDING_TOKENS
        left = (self._most - self._cost) / self._price * 1e6
        return int(left) - count_characters(messages, offered) // CHARACTERS_PER_TOKEN

    def _used(self) -> str:
        """What the question has cost so far, in words."""
        tokens = f"{self._tokens} of {TOKENS} tokens"
        if self._price is None:
            return tokens
        most = "" if self._most is None else f" of ${self._most:g}"
        return f"{tokens}, ${self._cost:.4f}{most}"

    def decide(self, state: State) -> Decision:
        """The next action: the LLM's where there is something to choose and its choice can be run."""
        self._granted = max(0, count_grants(state, "dollars"))
        chosen = self._choose(state) if self._is_free(state) else None
        if chosen is None:
            chosen = self._rules.decide(state)
        return chosen.model_copy(update={"notes": self._told()})

    @property
    def unread(self) -> str:
        """Why its reading of the message was not taken; empty where it was, or none was asked for."""
        return self._unread

    def read(self, message: str, state: Mapping[str, Any], found: Question) -> Question:
        """What a message asks for, where the offline reader is not sure of what it found."""

        def ask(messages: Messages, shape: dict[str, Any]) -> Completion | None:
            return self._exchange(messages, shape=shape)

        reading = read_message(message, state, found, ask, lambda: passes_exam(self._endpoint, ask))
        why = reading.refused
        if self._gone in BROKEN:  # one reply that broke off need not be the last
            why, self._gone = self._gone, ""
            self._notes.pop()
        self._unread = why and self._endpoint.clean(why)[:SHOWN]
        if self._unread:
            self._note(f"refused: its reading of the message: {self._unread}")
        return reading.question

    def word(self, sentences: Sequence[Sentence]) -> str:
        """The LLM's proposal for the wording of these sentences, unchecked; empty when there is none."""
        return self._say_anew(sentences, render_prompt("brain-words"))

    def translate(self, sentences: Sequence[Sentence], language: str) -> str:
        """The LLM's proposal for these sentences in another language, unchecked; empty when there is none."""
        return self._say_anew(sentences, render_prompt("brain-translate", language=language))

    def _say_anew(self, sentences: Sequence[Sentence], how: str) -> str:
        if self._gone or not sentences:
            return ""
        messages = [
            {"role": "system", "content": how},
            {"role": "user", "content": frame_data(number_sentences(sentences))},
        ]
        turn = self._exchange(messages)
        if turn is None:
            return ""
        if turn.cut or turn.refusal:
            self._note(f"refused: its words: {turn.cut or self._quoted(turn.refusal)}")
            return ""
        return self._endpoint.clean(turn.content)

    def take_notes(self) -> tuple[str, ...]:
        """What was refused since the last decision, and what the question has cost."""
        spent = f"{self._exchanges} exchanges with the language model, {self._used()}"
        return (*self._told(), *([spent] if self._exchanges else []))

    def _told(self) -> tuple[str, ...]:
        notes, self._notes = tuple(self._notes), []
        return notes

    def _note(self, text: str) -> None:
        log.info("the LLM planner: %s", text)
        self._notes.append(text)

    def _is_open(self, state: State) -> bool:
        """Whether there is anything to choose."""
        intent = Intent(state["question"]["intent"])
        if intent is Intent.HELP:
            return False
        if state.get("case") is None or (intent is Intent.UNKNOWN and not groups_of(state)):
            return False
        if intent in (Intent.INTERVENE, Intent.SWAP, Intent.NODE) and state["question"]["group"]:
            return False
        kinds = list_possible_actions(state, self._nodes)
        if kinds == ["test"]:
            return len([c for c in own_claims(state, EffectClaim) if c.p is None]) > 1
        return (
            len(kinds) > 1
            or kinds == ["hypothesise"]
            or (kinds == ["answer"] and len(list_styles(state)) > 1)
        )

    def _choose(self, state: State) -> Decision | None:
        """Ask, correct once, give up: None leaves the step to the rules."""
        kinds = list_possible_actions(state, self._nodes)
        messages: Messages = [
            {
                "role": "system",
                "content": render_prompt("brain", actions=describe_actions(), tests=str(MAX_TESTS)),
            },
            {"role": "user", "content": frame_data(summarise_state(state, kinds, MAX_TESTS))},
        ]
        for _attempt in range(2):
            turn = self._exchange(messages, action_tools())
            if turn is None:
                return None
            decision, error = self._read(turn, state)
            if decision is not None:
                return decision
            self._note(f"refused: {error}")
            again = render_prompt("brain-again", error=error, possible=", ".join(kinds))
            said = turn.content or json.dumps([name for name, _ in turn.calls])
            messages += [
                {"role": "assistant", "content": self._endpoint.clean(said)[:2000] or "(nothing)"},
                {"role": "user", "content": again},
            ]
        self._strikes += 1
        self._note("the rules decide this step")
        if self._strikes >= MAX_FAILURES:
            self._give_up(f"{MAX_FAILURES} steps without a choice that could be run")
        return None

    def _exchange(
        self,
        messages: Messages,
        offered: Sequence[dict[str, Any]] = (),
        shape: dict[str, Any] | None = None,
    ) -> Completion | None:
        """One exchange within the budget; None when there is no more to expect from the server."""
        if self._tokens >= TOKENS or self._exchanges >= MAX_EXCHANGES or self._seconds >= SECONDS:
            budget = f"{TOKENS} tokens, {MAX_EXCHANGES} exchanges or {SECONDS:.0f} seconds"
            self._give_up(f"the budget of {budget} a question is spent")
            return None
        most = self._affordable(messages, offered)
        if most < LEAST_REPLY:
            spent = f"${self._cost:.4f} of ${self._most:g} a question are spent"
            self._give_up(f"{spent}, and the next exchange would cost more than is left")
            return None
        self._exchanges += 1
        start = time.monotonic()
        try:
            turn = self._endpoint.converse(messages, offered, most, shape)
        except Cancelled:
            raise Stopped from None
        except Unreachable as exc:
            self._give_up(str(exc))
            return None
        finally:
            self._seconds += time.monotonic() - start
        self._tokens += turn.tokens
        return turn

    def _give_up(self, reason: str) -> None:
        log.warning("the language model is set aside, the rules decide the rest: %s", reason)
        self._gone = reason
        self._notes.append(f"set aside, the rules decide the rest: {reason}")

    def _read(self, turn: Completion, state: State) -> tuple[Decision | None, str]:
        """The decision in a reply, or what is wrong with it."""
        if turn.cut:
            return None, turn.cut
        if turn.refusal:
            return None, f"it declines: {self._quoted(turn.refusal)}"
        proposed = parse_action(turn)
        if proposed is None:
            return None, f"no action in the reply: {self._held(turn)}"
        if len(turn.calls) > 1:
            self._note(f"{len(turn.calls) - 1} further tool calls were ignored")
        why = proposed.pop("why", "")
        try:
            action = _ACTION.validate_python(proposed)
        except (ValidationError, RecursionError) as exc:
            return None, f"{self._quoted(str(proposed.get('kind')))}: {self._faults(exc)}"
        if error := find_objection(action, state, self._nodes):
            return None, f"{action.kind}: {self._endpoint.clean(error)[:SHOWN]}"
        reason = self._quoted(why) if isinstance(why, str) and why.strip() else "no reason given"
        spent = f"{self._used()} used"
        return Decision(action=action, why=f"the language model chose: {reason} ({spent})"[:300]), ""

    def _held(self, turn: Completion) -> str:
        """What a reply without an action holds."""
        if turn.calls:
            name, given = turn.calls[0]
            return f"it calls {self._quoted(name)} with what is no JSON object, {self._quoted(given)}"
        if turn.content.strip():
            return f"it says {self._quoted(turn.content)}"
        if turn.thought:
            return f"it only thinks ({len(turn.thought)} characters) and then says nothing"
        return "it is empty"

    def _faults(self, exc: Exception) -> str:
        if not isinstance(exc, ValidationError):
            return "it is nested too deeply"
        told = [f"{'.'.join(map(str, e['loc'][1:]))} {e['msg']}".strip() for e in exc.errors()[:3]]
        return self._endpoint.clean("; ".join(told))[:SHOWN]

    def _quoted(self, text: str) -> str:
        """The LLM's own words, marked as such: short, on one line, no quotes of their own, no link."""
        text = self._endpoint.clean(text).replace("“", '"').replace("”", '"').replace("://", ": //")
        return f"“{text[:SHOWN]}{'…' if len(text) > SHOWN else ''}”"
