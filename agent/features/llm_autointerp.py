"""Labels of features by a language model at any OpenAI-compatible server: asked, checked, judged, filed.

What it is shown is the catalogue's evidence as data; what it says is checked as all from outside is, and the
words it commits itself to are judged on held-out text by the same reader that judges labels without one.
"""

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field as Limited, StringConstraints, ValidationError

from agent.core import (
    Completion,
    Endpoint,
    LibraryError,
    Messages,
    Settings,
    Unreachable,
    frame_data,
    render_prompt,
    show_token,
)
from agent.features.autointerp import feature_set
from agent.features.label_log import Description
from agent.features.label_store import Library
from agent.features.lookup import ShownFeature, features_of, show_features
from tracer import TracerError, judge_words, open_evidence

REPLY = 120  # tokens that a reply is taken to have when cost is told beforehand
CHARACTERS = 4  # a token, for the same purpose
WORDS = 5
UNCLEAR = "unclear"
VIEWS = ("token", "next", "previous")

Word = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Words = Annotated[list[Word], Limited(max_length=WORDS)]


class LabelReply(BaseModel):
    """What the model must say: a label, and the words it commits itself to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=160)]
    token: Words = []
    next: Words = []
    previous: Words = []


TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "label_feature",
        "description": "Say what the feature does.",
        "parameters": {**LabelReply.model_json_schema(), "title": "label_feature"},
    },
}


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """What would be asked, and about what it costs."""

    features: tuple[ShownFeature, ...]
    messages: tuple[Messages, ...]
    tokens: int
    dollars: float | None  # None where the price is not set

    @property
    def sentence(self) -> str:
        """The cost in words."""
        money = (
            "its price is not set (ASKCIRCUIT_LLM_PRICE, dollars a million tokens)"
            if self.dollars is None
            else f"about ${self.dollars:.4f}"
        )
        return f"{len(self.features)} requests, about {self.tokens:,} tokens; {money}."


@dataclass(slots=True)
class LabelOutcome:
    """What came of it; `rows` say for every feature what became of it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    stopped: str = ""  # why not all were asked

    def count(self, status: str) -> int:
        """How many features ended so: labelled, unclear, refused, garbage."""
        return sum(row["status"] == status for row in self.rows)

    def mean(self, name: str) -> float | None:
        """The mean of a score over the labels that were judged."""
        known = [row[name] for row in self.rows if row.get(name) is not None]
        return sum(known) / len(known) if known else None


def plan_labels(settings: Settings, names: Sequence[str]) -> LabelPlan:
    """The requests for these features (L9.N1546-; without a sign: both) and their cost; sends nothing."""
    if settings.llm_base_url is None:
        raise LibraryError("Labels by a language model need a server: set ASKCIRCUIT_LLM_BASE_URL.")
    features = tuple(one for one in show_features(settings, names) if one.contexts)
    if not features:
        raise LibraryError("None of these features was ever seen to fire, so there is nothing to show.")
    messages = tuple(write_request(one) for one in features)
    sent = sum(len(str(m["content"])) for some in messages for m in some)
    tokens = sent // CHARACTERS + REPLY * len(features)
    price = settings.llm_price
    return LabelPlan(features, messages, tokens, None if price is None else tokens * price / 1e6)


def write_request(feature: ShownFeature) -> Messages:
    """What is asked about one feature: the evidence as one line of data that nothing in it can end."""
    data = {
        "fires_on": [
            {"activation": round(c["activation"], 2), **{k: c[k] for k in ("before", "token", "after")}}
            for c in feature.contexts
        ],
        "promotes": feature.promotes,
        "suppresses": feature.suppresses,
    }
    return [
        {"role": "system", "content": render_prompt("label")},
        {"role": "user", "content": frame_data(data)},
    ]


def write_labels(
    settings: Settings,
    plan: LabelPlan,
    work: Path | None = None,
    progress: Callable[[float, str], None] = lambda _done, _note: None,
) -> LabelOutcome:
    """Ask, check, judge where the evidence of a corpus lies here (`work`), and file what can be used.

    A server that goes away ends it; what was said until then is kept.
    """
    endpoint, outcome, said = Endpoint(settings, threading.Event()), LabelOutcome(), list[LabelReply | None]()
    dollars = settings.llm_dollars
    for number, messages in enumerate(plan.messages):
        if (
            dollars is not None
            and settings.llm_price
            and outcome.tokens * settings.llm_price / 1e6 >= dollars
        ):
            outcome.stopped = f"the budget of ${dollars:g} is spent"
            break
        try:
            turn = endpoint.converse(messages, [TOOL])
        except Unreachable as exc:
            outcome.stopped = f"the server cannot be used: {exc}"
            break
        outcome.tokens += turn.tokens
        status, words, why = read_reply(turn)
        said.append(words)
        row = {"id": plan.features[number].known.name, "status": status, "why": endpoint.clean(why)[:200]}
        outcome.rows.append(
            {**row, "label": _one_line(words.label) if words and status == "labelled" else ""}
        )
        progress((number + 1) / len(plan.messages), f"{number + 1} of {len(plan.messages)}")
    _judge(settings, plan, outcome, said, work)
    _file(settings, plan, outcome)
    return outcome


def read_reply(turn: Completion) -> tuple[str, LabelReply | None, str]:
    """(labelled, unclear, refused or garbage; what was said; why it cannot be used)."""
    if turn.refusal:
        return "refused", None, turn.refusal
    calls = [arguments for name, arguments in turn.calls if name == "label_feature"]
    text = calls[0] if calls else turn.content
    found = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        said = LabelReply.model_validate_json(found[0] if found else text)
    except ValidationError as exc:
        return "garbage", None, f"{turn.cut or 'not what was asked for'}: {exc.errors()[0]['msg']}"
    except RecursionError:
        return "garbage", None, "nested too deeply"
    if said.label.strip(" .").casefold() == UNCLEAR:
        return "unclear", said, ""
    return "labelled", said, ""


def _judge(
    settings: Settings,
    plan: LabelPlan,
    outcome: LabelOutcome,
    said: Sequence[LabelReply | None],
    work: Path | None,
) -> None:
    """Scores on held-out text for the labels that commit to words; none where no evidence lies here."""
    rows = [i for i, row in enumerate(outcome.rows) if row["status"] == "labelled"]
    folder = work or settings.cache_folder / "evidence" / features_of(settings).replace("/", "--")
    if not rows or not (folder / "about.json").is_file():
        return
    try:
        evidence = open_evidence(folder)
        features = feature_set(settings)
        known = [plan.features[i].known for i in rows]
        places = [(k.layer, 2 * k.neuron + (k.sign == "-")) for k in known]
        words = [{view: getattr(said[i], view) for view in VIEWS} for i in rows]
        scores = judge_words(features, evidence, places, words)
    except TracerError as exc:
        raise LibraryError(f"The labels could not be judged: {exc}") from exc
    for i, score in zip(rows, scores, strict=True):
        outcome.rows[i].update(score)


def _file(settings: Settings, plan: LabelPlan, outcome: LabelOutcome) -> None:
    model = features_of(settings)
    source = f"llm {_one_line(settings.llm_model or 'default')}"
    rows = []
    for feature, row in zip(plan.features, outcome.rows, strict=False):
        if row["status"] != "labelled":
            continue
        known = feature.known
        fires_on = tuple(dict.fromkeys(context["token"] for context in feature.contexts))
        rows.append(
            Description(
                id=f"{model}/{known.name}",
                model=model,
                layer=known.layer,
                feature=known.neuron,
                sign=known.sign,
                label=row["label"],
                source=source,
                promotes=tuple(feature.promotes),
                fires_on=fires_on,
                score=row.get("random"),
            )
        )
    if rows:
        with Library.open(settings.data_folder / "library") as library:
            library.put(rows)
            if library.note:
                raise LibraryError(library.note)


def _one_line(text: str) -> str:
    return " ".join(show_token(text).split())


def format_outcome(row: dict[str, Any]) -> str:
    """One feature's outcome for a terminal."""
    scores = ", ".join(f"{name} {row[name]:.2f}" for name in ("random", "hard") if row.get(name) is not None)
    told = row["label"] or json.dumps(row["why"], ensure_ascii=False)
    return f"{row['id']}  {row['status']}: {told}{f'  ({scores})' if scores else ''}"
