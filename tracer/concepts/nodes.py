"""A concept held at a word, as a value."""

from typing import Literal, NamedTuple

from tracer.concepts.operations import Held

PIECE = "…"  # at the end of a name that is only the beginning of a word
Role = Literal["word", "said before", "concept", "answer"]
NAMED: tuple[Role, ...] = ("concept", "said before")  # what a chain may name


class ConceptNode(NamedTuple):
    """A concept held at one word, over a run of layers.

    `tokens`: the commonest first, which is changed. `role`: the word itself, a word of the text before it,
    the answer at the last word, or a concept that the model adds. `strength` is the best score (standard
    deviations above other texts; 0 where the lens has no background), `rank` the best rank among the words
    that may be named (0 first), `best_layer` where that is. `reading`: the mean logit of the first token
    where words are read; `foreseen`: what taking it out should do to the answer's lead (see `weigh`);
    `changed`: first and last block behind which it is changed, None for those of its run.
    """

    name: str
    tokens: tuple[int, ...]
    position: int
    first: int
    last: int
    best_layer: int
    strength: float
    rank: int
    role: Role
    reading: float = 0.0
    foreseen: float = 0.0
    changed: tuple[int, int] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is named by a whole word; the beginning of one ("Vul…") tells a reader nothing."""
        return not self.name.endswith(PIECE)

    @property
    def held(self) -> Held:
        """Where it is changed: behind the blocks where words are read, else over its own run."""
        first, last = self.changed or (self.first, self.last)
        return Held((self.position,), first, last)
