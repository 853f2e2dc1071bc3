"""What every test of a text, and of its concepts, needs, looked up once."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.core import FULL_TESTS, Case
from agent.evidence import make_control_seed
from agent.workspace import Workspace
from tracer import ENOUGH_CONTROLS, Frozen, Lens, contrast_direction, find_alternatives

LONG = 80  # positions that a test may run again with all controls
Kept = TypeVar("Kept")
Rows = Any  # a tensor of the tracer's: this room imports no torch


@dataclass(frozen=True)
class TextBench:
    """A text with the answer's alternatives and its lead over them (logits)."""

    workspace: Workspace
    frozen: Frozen
    case: Case
    alternatives: tuple[Any, ...]
    lead: float

    def lead_of(self, logits: Rows) -> Rows:
        """The answer's lead over its alternatives."""
        return contrast_direction(logits, self.case["answer_id"], self.alternatives)

    def once(self, make: Callable[[], Kept], *key: Hashable) -> Kept:
        """What `make` gives, measured once a text and answer: asked again, the same is told again."""
        whole = (self.case["answer_id"], *key)
        if whole not in self.frozen.found:
            self.frozen.found[whole] = make()
        kept: Kept = self.frozen.found[whole]
        return kept

    def controls_from(self, position: int) -> int:
        """How many controls a test at a position has: fewer where much must run again, but enough."""
        wanted, again = self.workspace.settings.controls, self.frozen.length - position
        room = LONG if self.frozen.length <= FULL_TESTS else LONG // 2
        return wanted if again <= room else min(wanted, max(ENOUGH_CONTROLS, wanted * room // again))

    def seed(self, *words: str) -> int:
        """The seed of a test's controls."""
        return make_control_seed(self.workspace.subject.name, self.case["text"], *words)


@dataclass(frozen=True)
class ConceptBench(TextBench):
    """The same with the model's lens."""

    lens: Lens

    def once(self, make: Callable[[], Kept], *key: Hashable) -> Kept:
        """What `make` gives, measured once a text, answer and lens."""
        return super().once(make, id(self.lens), *key)


def bench_of(workspace: Workspace, case: Case) -> ConceptBench | None:
    """What the tests of concepts need; None where there is no lens."""
    lens = workspace.lens()
    if lens is None:
        return None
    text = text_bench_of(workspace, case)
    return ConceptBench(workspace, text.frozen, case, text.alternatives, text.lead, lens)


def text_bench_of(workspace: Workspace, case: Case) -> TextBench:
    """What the tests need that look into no concept."""
    frozen = workspace.study(case["text"]).frozen
    others = find_alternatives(frozen, case["answer_id"])
    lead = float(contrast_direction(frozen.logits, case["answer_id"], others))
    return TextBench(workspace, frozen, case, others, lead)
