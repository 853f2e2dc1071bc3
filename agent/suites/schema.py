"""A suite: questions and hypotheses over texts, read from YAML and checked. Runs nothing.

A file is a list of cases, or a mapping with `title` and `cases`. A case:

    - id: texas                    # names its files
      text: "Texas, whose capital is"
      answer: " Austin"            # optional (also `said`): the token that is said
      foil: " Houston"             # optional: the token to compare with
      kind: recall                 # optional: any word to sort by
      hypothesis: "the Texas group carries Austin"   # optional; with it:
      group: Texas                 # the word it sits on, a part of its name, or its id (S1)
      expect: lowers               # what removing it does to answer - foil: lowers, raises or nothing
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from agent.core import AgentError

MOST_CASES, MOST_BYTES = 10_000, 10_000_000


def _as_text(value: Any) -> Any:
    """An id that YAML reads as a whole number is meant as it stands."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$")]
Piece = Annotated[str, Field(min_length=1, max_length=200)]


class SuiteError(AgentError):
    """A suite, or the folder of its results, cannot be used."""


class SuiteCase(BaseModel):
    """One question, perhaps with a hypothesis."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Id
    text: str = Field(min_length=1, max_length=100_000)
    answer: Piece | None = Field(None, validation_alias=AliasChoices("answer", "said"))
    foil: Piece | None = None
    kind: str = Field("", max_length=80)
    p: float | None = Field(None, ge=0, le=1)  # what was measured when the case was written; not used
    hypothesis: str = Field("", max_length=1000)
    group: Piece | None = None
    expect: Literal["lowers", "raises", "nothing"] | None = None

    @model_validator(mode="after")
    def _a_hypothesis_is_whole(self) -> Self:
        told = [self.group is not None, self.expect is not None]
        if (any(told) and not all(told)) or (self.hypothesis and not all(told)):
            raise ValueError("a hypothesis needs both `group` and `expect` (lowers, raises or nothing)")
        return self


class Suite(BaseModel):
    """Cases with different ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: str = Field("", max_length=300)
    cases: list[SuiteCase] = Field(min_length=1, max_length=MOST_CASES)

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        twice = [name for name, count in Counter(c.id.casefold() for c in self.cases).items() if count > 1]
        if twice:  # files are named by them, and not every disk tells capitals apart
            raise ValueError(f"the id {twice[0]!r} is used twice")
        return self


def read_suite(path: Path) -> Suite:
    """The suite in a file; raises SuiteError with the line and the field of what is wrong."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SuiteError(
                f"The suite {path} is larger than {MOST_BYTES // 10**6} MB, the most that is read."
            )
        content = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise SuiteError(f"The suite {path} cannot be read: {exc.strerror or exc}.") from exc
    except UnicodeDecodeError as exc:
        raise SuiteError(f"The suite {path} is not UTF-8 text.") from exc
    try:
        node = yaml.compose(content, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
        raw = yaml.load(content, Loader=_PlainLoader)  # a SafeLoader without aliases
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise SuiteError(f"The suite {path} is not valid YAML: {_describe_error(exc)}.") from exc
    whole = {"cases": raw} if isinstance(raw, list) else raw
    if not isinstance(whole, dict):
        raise SuiteError(f"The suite {path} holds no list of cases (each with `id` and `text`).")
    try:
        return Suite.model_validate({"title": path.stem, **whole})
    except ValidationError as exc:
        first = exc.errors(include_input=False)[0]
        where = first["loc"][1:] if isinstance(raw, list) else first["loc"]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        reason = first["msg"].removeprefix("Value error, ")
        raise SuiteError(f"The suite {path}, line {_line(node, where)}, {field}: {reason}.") from exc


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few bytes of them can unfold to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)


def _describe_error(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or str(exc).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)


def _line(node: Any, where: tuple[int | str, ...]) -> int:
    """The line of what a validation error points at, as near as it can be found."""
    for part in where:
        inner = None
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            inner = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            names = (part, "said") if part == "answer" else (part,)
            inner = next((value for key, value in node.value if key.value in names), None)
        if inner is None:
            break
        node = inner
    return int(node.start_mark.line) + 1 if node is not None else 1
