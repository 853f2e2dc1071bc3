"""Which end of a long text is looked at: so many tokens, or from a place on."""

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.errors import TextError
from tracer.models import Model, draft_ids


@dataclass(frozen=True, slots=True)
class Window:
    """At most the last `tokens`; from where `since` stands last, or behind so many tokens (`before`)."""

    tokens: int
    since: str = ""
    before: int | None = None

    def first(self, subject: Model, text: str, ids: Sequence[int]) -> int:
        """The first token that is looked at; raises TextError where what is named does not fit."""
        if self.since:
            return self._named(subject, text, ids)
        if self.before is not None:
            return min(self.before, len(ids) - 1)
        return max(0, len(ids) - self.tokens)

    def _named(self, subject: Model, text: str, ids: Sequence[int]) -> int:
        place = text.rfind(self.since)
        if place < 0:
            raise TextError(f"The text does not contain {self.since!r}, where the window should begin.")
        starts = draft_ids(subject, text, ids).starts
        first = max((i for i, start in enumerate(starts) if start is not None and start <= place), default=0)
        if len(ids) - first > self.tokens:
            raise TextError(
                f"From {self.since!r} on the text has {len(ids) - first:,} tokens; at most {self.tokens:,} "
                "are looked at. Name a later place, or raise ASKCIRCUIT_WINDOW: memory and time grow with it."
            )
        return first
