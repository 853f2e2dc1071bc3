"""Claims on concepts: what the model holds in mind where, what each does, and what leads to what."""

from typing import ClassVar, Literal

from pydantic import Field

from agent.core.claim_base import BaseClaim, ControlledClaim, TestedClaim, drop_missing
from agent.core.claim_parts import HeadShare, NextToken, Record

Outcome = Literal["installed", "only removed", "neither"]


class Concept(Record):
    """A concept at one word, over a run of layers, as the lens reads it.

    `role` says whether it is the word itself, a word of the text before it, one that the model adds, or the
    answer. `strength` is in standard deviations above what is read there for other texts.
    """

    id: str  # K1
    name: str
    tokens: list[str]  # its spellings; the first is the one that is changed
    token_ids: list[int]
    position: int
    layers: tuple[int, int]
    best_layer: int
    strength: float
    rank: int  # its best place among all tokens the lens reads there, 0 first
    role: Literal["word", "said before", "concept", "answer"]
    reading: float = 0.0  # mean logit where words are read
    changed: tuple[int, int] | None = None  # blocks behind which it is changed; None: its layers


class Alternative(Record):
    """Another token of the answer's own kind."""

    token: str
    token_id: int
    p: float


class SwapTried(Record):
    """One concept that was put in the place of another, and what the model says then."""

    other: str
    other_id: int
    says: list[NextToken]
    lead: float  # change of the answer's lead, logits
    p_answer: float
    changed: bool
    installed: bool

    @property
    def outcome(self) -> Outcome:
        """Whether the other's answer came, or the own one only went."""
        return "installed" if self.installed else "only removed" if self.changed else "neither"


class ConceptsClaim(BaseClaim):
    """The concepts that the lens reads on this text, strongest first. Read, not tested."""

    kind: Literal["concepts"] = "concepts"
    concepts: list[Concept]
    alternatives: list[Alternative] = Field(default_factory=list)
    lead: float  # logit of the answer above the mean of its alternatives (of all tokens without any)
    answer_places: list[tuple[int, int]] = Field(default_factory=list)  # layer, the answer's place at the end
    first_words: list[tuple[int, str]] = Field(default_factory=list)  # layer, what is read first there

    def named(self, name: str) -> Concept | None:
        """The one of a name, in any spelling, where it is first held."""
        wanted = name.strip().casefold()
        same = [
            one
            for one in self.concepts
            if wanted in {text.strip().casefold() for text in (one.name, *one.tokens)}
        ]
        return min(same, key=lambda one: (one.position, -one.strength), default=None)

    def about(self) -> list[str]:
        """All of them."""
        return [concept.id for concept in self.concepts]

    def values(self) -> list[float]:
        """The lead, the alternatives, and of every concept where and how strongly it is read."""
        out = [*super().values(), self.lead, len(self.concepts), len(self.alternatives)]
        out += [number for place in self.answer_places for number in place]
        out += [layer for layer, _ in self.first_words]
        for one in self.concepts:
            out += [one.strength, one.rank + 1, one.position, *one.layers, one.best_layer]
        return [*out, *(other.p for other in self.alternatives)]


class ConceptClaim(ControlledClaim):
    """One that changes a concept where it is held; its controls move the stream as far (± 10 %)."""

    FAMILY: ClassVar[str] = "concepts"
    concept: Concept
    asked: int = 0  # controls that were asked for; fewer match where the change is unlike any other
    lead: float = 0.0  # of the answer over its alternatives, unchanged

    @property
    def share(self) -> float:
        """The change as a share of the lead."""
        return self.effect / self.lead if self.lead else 0.0

    def about(self) -> list[str]:
        """Its concept."""
        return [self.concept.id]

    def values(self) -> list[float]:
        """Those of a controlled test, where the concept is held, and the share of the lead."""
        one = self.concept
        places = [one.position, *one.layers, one.best_layer, one.rank + 1, one.strength]
        return [*super().values(), *places, self.asked, self.lead, self.share, abs(self.share)]


class FeatureShare(Record):
    """A feature and its part of what all features add to a concept at its word."""

    feature: str  # L3.N1142+@5
    share: float


class OtherTextsChanged(Record):
    """Of so many texts on other things: in how many the same change makes another token likeliest."""

    texts: int
    changed: int


class ConceptEffectClaim(ConceptClaim):
    """What taking a concept out does to the answer's lead over its alternatives.

    `needs_exchange`: that the answer goes without it says too little by itself.
    """

    kind: Literal["concept effect"] = "concept effect"
    says: list[NextToken] = Field(default_factory=list)
    p_answer: float | None = None
    needs_exchange: bool = False
    elsewhere: OtherTextsChanged | None = None  # the same taken out of other texts
    writers: list[FeatureShare] = Field(default_factory=list)  # the strongest, read from the weights

    def features(self) -> list[str]:
        """Those that write it."""
        return [*super().features(), *(one.feature for one in self.writers)]

    def values(self) -> list[float]:
        """Those of a concept, what the model says then, the other texts and the writers' shares."""
        out = [*super().values(), *drop_missing(self.p_answer), *(guess.p for guess in self.says)]
        if self.elsewhere is not None:
            out += [self.elsewhere.texts, self.elsewhere.changed]
        return [*out, *(value for one in self.writers for value in (one.share, abs(one.share)))]


class LookCue(Record):
    """What a head's attention weight hangs on at one end: a word read there, and what is left without it.

    `louder`: of so many (`asked`) unrelated words along which the stream was pushed as far, those that leave
    as little. `p` counts them, and that the word was chosen from some that were tried.
    """

    name: str
    position: int
    attention: float
    louder: int
    asked: int
    tried: int
    p: float


class HeadClaim(ConceptClaim):
    """What the lead loses when a head no longer sees the concept's word from a later one.

    The head was chosen by what it should carry; the controls are all other heads, at the same two places.
    `cues`: why it looks there, at the word that is looked at and at the one that looks.
    """

    FAMILY: ClassVar[str] = "heads"
    kind: Literal["head"] = "head"
    layer: int
    head: int
    target: int  # the position it brings the concept to
    attention: float  # the weight it gives the concept's word there
    cues: list[LookCue] = Field(default_factory=list)

    @property
    def name(self) -> str:
        """Its layer and number: 9.0."""
        return f"{self.layer}.{self.head}"

    @property
    def louder(self) -> int:
        """How many other heads count at least as much there."""
        values = self.controls.values if self.controls else []
        return sum(abs(value) >= abs(self.effect) for value in values)

    def features(self) -> list[str]:
        """The head, by name."""
        return [self.name]

    def values(self) -> list[float]:
        """Those of a concept's test, the head, where it looks, how much, and the heads that count more."""
        cues = (number for cue in self.cues for number in (cue.attention, cue.louder, cue.asked, cue.tried))
        own = (self.layer, self.head, self.target, self.attention, self.louder)
        return [*super().values(), *own, *cues]


class ConceptSwapClaim(ConceptClaim):
    """What putting another concept of its kind in its place does: the first was chosen before any ran."""

    FAMILY: ClassVar[str] = "exchanges"  # another question than whether the concept is needed
    kind: Literal["concept swap"] = "concept swap"
    swaps: list[SwapTried] = Field(default_factory=list)
    partners: list[str] = Field(default_factory=list)
    partner_ids: list[int] = Field(default_factory=list)
    pushed: bool = False  # the controls are pushes along unrelated words, for too few exchanges move as far
    controls_changed: int = 0
    controls_installed: int = 0

    @property
    def first(self) -> SwapTried | None:
        """The one that was chosen beforehand; None before the test."""
        return self.swaps[0] if self.swaps else None

    @property
    def installed(self) -> list[SwapTried]:
        """Those after which the model says the other's answer."""
        return [swap for swap in self.swaps if swap.installed]

    @property
    def outcome(self) -> Outcome:
        """That of the one that was chosen beforehand."""
        return self.first.outcome if self.first else "neither"

    def values(self) -> list[float]:
        """Those of a concept, what is said after each swap, and the counts."""
        each = [value for s in self.swaps for value in (s.lead, s.p_answer, *(g.p for g in s.says))]
        counts = [len(self.swaps), len(self.installed), sum(s.changed for s in self.swaps)]
        return [*super().values(), *each, *counts, self.controls_changed, self.controls_installed]


class HopClaim(TestedClaim):
    """How much of a later concept is lost when an earlier one is taken out."""

    FAMILY: ClassVar[str] = "hops"
    kind: Literal["hop"] = "hop"
    source: Concept
    target: Concept
    controls: list[float] = Field(default_factory=list)  # the same share with other concepts taken out

    def about(self) -> list[str]:
        """Both ends."""
        return [self.source.id, self.target.id]

    def values(self) -> list[float]:
        """The share, the controls' largest, and the places."""
        largest = [max(map(abs, self.controls))] if self.controls else []
        places = [self.source.position, *self.source.layers, self.target.position, *self.target.layers]
        return [*super().values(), abs(self.effect), len(self.controls), *largest, *places]


WORD_DECIDES = 0.5  # of the answer's probability that is left at most with others in a word's place


class MechanismClaim(TestedClaim):
    """How the model does it, where a test of just that holds: copying, a list gone on with, and so on."""

    FAMILY: ClassVar[str] = "mechanisms"
    kind: Literal["mechanism"] = "mechanism"
    mechanism: str
    holds: bool
    says: str  # the sentence, with the numbers of its test
    line: str = ""  # the same in one line, where the answer needs no other
    shown: list[float] = Field(default_factory=list)
    turns: bool = False  # whether another word like one that counts was shown to bring another answer

    def values(self) -> list[float]:
        """The numbers of its test."""
        return [*super().values(), *self.shown]


class WordPut(Record):
    """Another word in the place of one of the text."""

    position: int
    other: str


MOST_OF_WAY = 0.5  # from which few heads are said to take it


class RouteClaim(BaseClaim):
    """Where what a word says goes on its way to the last word, beside the text with another in its place.

    Measured by putting activations of the other text into this one; shares are of the way from the answer to
    `says`, in the difference of both logits. `stays`: the last layer behind which the word's own stream makes
    half of it (`kept`; `gone` a layer on). `arrives`: the layer from which on the last word's stream does
    (`at_last`). `heads`: what they write at the last word makes most of it (`together`); `others` is what as
    many other heads make.
    """

    kind: Literal["route"] = "route"
    words: list[WordPut]
    says: str
    target: int
    stays: int
    kept: float
    gone: float
    arrives: int | None = None
    at_last: float = 0.0
    between: int | None = None  # position of a word that holds it when neither of both does
    between_share: float = 0.0
    heads: list[HeadShare] = Field(default_factory=list)
    together: float = 0.0
    then: NextToken | None = None  # what is said with what the heads write there
    others: list[float] = Field(default_factory=list)

    @property
    def largest(self) -> float:
        """The most that as many other heads make."""
        return max(self.others, default=0.0)

    @property
    def few_take_it(self) -> bool:
        """Whether what few heads write makes most of the way, and far more than as many others."""
        return self.together >= MOST_OF_WAY and self.largest <= self.together / 2

    def turns_it(self, answer: str) -> bool:
        """Whether with what few heads write the model no longer says the answer."""
        return self.few_take_it and self.then is not None and self.then.token != answer

    def features(self) -> list[str]:
        """Its heads, by name."""
        return [one.name for one in self.heads]

    def values(self) -> list[float]:
        """The layers, the shares, the heads, and what is said then."""
        shares = [self.kept, self.gone, self.at_last, self.between_share, self.together, self.largest]
        layers = [self.stays, *drop_missing(self.arrives), len(self.others)]
        said = [] if self.then is None else [self.then.p]
        return [*super().values(), *layers, *shares, *said, *(one.share for one in self.heads)]


class ExplainedClaim(BaseClaim):
    """The share of the answer's lead that is left when only what the story names stays as it is here.

    All other neurons are at their mean over other texts. Measured; it foresees nothing and has no verdict.
    """

    kind: Literal["explained"] = "explained"
    share: float
    lead: float  # logits, on the text as it is
    concepts: list[str] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    kept: int = 0  # neurons of these groups
    controls: list[float] = Field(default_factory=list)  # the same with as many others kept

    @property
    def largest(self) -> float:
        """The most that others keep."""
        return max(self.controls, default=0.0)

    def about(self) -> list[str]:
        """What was kept."""
        return [*self.concepts, *self.groups]

    def values(self) -> list[float]:
        """The share, the controls' largest, the lead and the counts."""
        counts = [self.kept, len(self.concepts), len(self.groups), len(self.controls)]
        return [*super().values(), self.share, self.largest, self.lead, *counts]

    def seen(self) -> list[float]:
        """The share."""
        return [self.share]
