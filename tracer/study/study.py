"""One text under study: the handle other rooms hold. Takes ids and numbers, gives plain values, no tensors.

Knows what was traced and how to intervene; not why, and not what the numbers mean to anybody.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import (
    Frozen,
    Targets,
    Units,
    freeze,
    freeze_window,
    logit_difference,
    rests_on_first,
)
from tracer.errors import TextError
from tracer.interventions import Change, Effect
from tracer.models import Model, Prediction, RolePart, draft_ids, spelled
from tracer.study.basis import Basis, Neurons
from tracer.study.feature_basis import Features
from tracer.study.long_texts import Window
from tracer.study.outcomes import Forecast, Intervention, Outcome, SingleRun, Token, weighted
from tracer.study.roles import roles_within, with_roles
from tracer.transcoders import Transcoders, text_ids

DOSES = (0.5, 0.0, -1.0)
NUDGE = 0.2  # part of an intervention that is tried to see how the model's slope changes


class Study:
    """A text on a subject, in terms of its neurons or of transcoder features; trace it once, then ask."""

    def __init__(
        self,
        subject: Model,
        text: str,
        limit: int,
        transcoders: Transcoders | None = None,
        written: Sequence[int] | None = None,
        window: Window | None = None,
    ) -> None:
        """`written`: the tokens the text is, where the model wrote it in others than its tokeniser would.

        `window`: what of a long text is looked at; all without.
        """
        self.text = text
        self.subject = subject
        self.frozen: Frozen
        self.basis: Basis
        if transcoders is None:
            ids = subject.encode(text, limit)
            ids = ids if written is None else ids.new_tensor(list(written))
            start = 0 if window is None else window.first(subject, text, ids.tolist())
            self.frozen = freeze_window(subject, ids, len(ids) - start)
            self.frozen = with_roles(self.frozen, draft_ids(subject, text, self.ids))
            self.basis = Neurons(self.frozen)
        else:  # they were trained on texts that begin with a special token, which then counts as one
            ids = text_ids(subject, text, limit)
            if window is not None and len(ids) > window.tokens:
                raise TextError(
                    f"With transcoders a text is looked at as a whole, at most {window.tokens:,} tokens "
                    f"(ASKCIRCUIT_WINDOW); this one has {len(ids):,}."
                )
            begins = int(ids[0]) in subject.tokenizer.all_special_ids
            self.frozen = replace(freeze(subject, ids), bos=begins)
            self.basis = Features(self.frozen, transcoders)
        self.forward_passes = 1
        self.rows = 0

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that are looked at: the text's, <bos> included, or those of a long text's window."""
        return self.frozen.tokens

    @property
    def sink(self) -> bool:
        """Whether attention rests on the first token: a begin token, or a word that stands in for one."""
        return rests_on_first(self.frozen)

    @property
    def pasted_bos(self) -> str:
        """The begin token that the text spells out though the model puts it there itself; else empty."""
        return self.subject.pasted_bos(self.text)

    @cached_property
    def roles(self) -> tuple[RolePart, ...]:
        """Who says what, where the text is a conversation in the model's chat template."""
        if not self.frozen.template:
            return ()
        return roles_within(draft_ids(self.subject, self.text, self.ids), self.before)

    @property
    def ids(self) -> list[int]:
        """The ids of all the text's tokens, what stands before a window included."""
        return [int(i) for i in self.frozen.whole_ids]

    @property
    def before(self) -> int:
        """How many tokens of the text stand before those that are looked at."""
        return self.frozen.before

    @property
    def begins_at(self) -> int:
        """The place in the text where what is looked at begins, in characters."""
        if not self.before:
            return 0
        starts = draft_ids(self.subject, self.text, self.ids).starts[self.before :]
        return next((start for start in starts if start is not None), len(self.text))

    def going_on(self, ids: Sequence[int]) -> str:
        """The text that goes on with these tokens, whether or not its tokeniser would cut it so."""
        before = spelled(self.subject, self.ids)
        return self.text + spelled(self.subject, [*self.ids, *ids])[len(before) :]

    @property
    def set_name(self) -> str | None:
        """The set of transcoders whose features these are; None for neurons."""
        return self.basis.set_name

    @property
    def layers(self) -> int:
        """How many layers the subject has."""
        return len(self.frozen.layers)

    def predictions(self, k: int) -> list[Prediction]:
        """The k most probable next tokens."""
        return self.subject.top(self.frozen.logits, k)

    def probability(self, token_id: int) -> float:
        """The probability of one next token."""
        return float(self.frozen.logits.double().softmax(-1)[token_id])

    def token(self, piece: str) -> Token:
        """The next token a user means by `piece`, with or without its leading space.

        A piece that starts with a space is taken as it is. Raises TextError when it is empty.
        """
        spellings = [piece] if piece.startswith((" ", "\n", "\t")) else [f" {piece}", piece]
        found = []
        for spelling in spellings:
            ids = self.subject.pieces(spelling) if piece.strip() or piece.startswith("\n") else []
            if ids:
                found.append((len(ids) == 1, self.probability(ids[0]), ids))
        if not found:
            raise TextError("The token is empty. Give the word you mean, for example --said Austin.")
        ids = max(found)[2]
        texts = self.subject.token_texts(ids)
        return Token(texts[0], ids[0], tuple(texts[1:]), tuple(ids))

    def contrast(self, answer: int, foil: int) -> "Contrast":
        """What is asked about: logit(answer) - logit(foil)."""
        return Contrast(self, answer, foil)

    def name_unit(self, layer: int, position: int, neuron: int) -> str:
        """The id of a feature on this text."""
        return self.basis.name_unit(layer, position, neuron)

    def units(self, ids: Sequence[str]) -> Units:
        """The features these ids name; raises GraphError for an id that names none."""
        return self.basis.units(ids)

    def change(self, ids: Sequence[str], how: Intervention) -> Change:
        """The values an intervention gives to these features."""
        return self.change_units(self.units(ids), how)

    def change_units(self, units: Units, how: Intervention) -> Change:
        """The same for features already found."""
        if how.donor is None:
            return self.basis.scaled(units, how.factor)
        shift = torch.tensor(
            [how.shift.get(int(p), int(p)) - int(p) for p in units.position], dtype=torch.long
        )
        return self.basis.swapped(units, how.donor.basis, shift)

    def says_after(self, ids: Sequence[str], how: Intervention, k: int) -> list[Prediction]:
        """The most probable next tokens under an intervention, everything free."""
        self.forward_passes += 1
        return self.subject.top(self.basis.full_logits(self.change(ids, how)), k)


class Contrast:
    """logit(answer) - logit(foil) on a text: predict what an intervention does to it, then test it."""

    def __init__(self, study: Study, answer: int, foil: int) -> None:
        self.study, self.answer, self.foil = study, answer, foil
        self.target: Targets = logit_difference(study.frozen, answer, foil)

    @property
    def value(self) -> float:
        """The difference on the unchanged text."""
        return float(self.target.value[0])

    def strongest_at(
        self, positions: Sequence[int], count: int, how: Intervention | None = None
    ) -> list[str]:
        """Ids of the `count` features at these positions with the largest total effect on the difference.

        For a swap (`how`), transcoder features that only the donor has count too, by what they would change.
        """
        donor, shift = (None, {}) if how is None or how.donor is None else (how.donor.basis, how.shift)
        best = self.study.basis.strongest(self.target, positions, count, donor, shift)
        places = zip(*(column.tolist() for column in best), strict=True)
        return [self.study.name_unit(*place) for place in places]

    def forecast(
        self,
        groups: Sequence[Sequence[str]],
        how: Intervention,
        readouts: Sequence[Sequence[str]] = (),
    ) -> list[Forecast]:
        """Predict, before any test, what the intervention does to answer - foil, for each group apart."""
        basis = self.study.basis
        changes = [self.study.change(group, how) for group in groups]
        reads = [self.study.units(ids) for ids in readouts]
        still, live = basis.predict(changes, self.target, (self.answer, self.foil), reads)
        self.study.forward_passes += len(changes)
        curved = self._curved(changes, live, reads)
        size = [float(basis.activations(units).abs().sum()) or 1.0 for units in reads]
        return [
            Forecast(
                float(still.logits[i, 0]),
                float(live.logits[i, 0]),
                float(curved.logits[i, 0]),
                tuple(
                    weighted(float(still.readouts[i, j]), float(curved.readouts[i, j])) / size[j]
                    for j in range(len(reads))
                ),
            )
            for i in range(len(groups))
        ]

    def _curved(self, changes: Sequence[Change], slope: Effect, reads: Sequence[Units]) -> Effect:
        """The second-order expansion of each change's effect: f'(0) + f''(0) / 2.

        f''(0) / 2 is read from a small part h of the change: (f(h) - f(0) - h f'(0)) / h^2. The change itself
        is never made, so this stays a prediction. Changes: logits (change, 1), readouts (change, readout).
        """
        basis = self.study.basis
        small = []
        for change in changes:
            own = basis.activations(change.units)
            small.append(Change(change.units, own + NUDGE * (change.values - own)))
        tried = basis.measure(small, (self.answer, self.foil), reads, lambda _done: None)
        self.study.forward_passes += len(small)
        moved = (tried.logits[:, :1] - tried.logits[:, 1:]).double() - self._clean()
        whole = torch.stack(
            [basis.activations(units).abs().sum() for units in reads] or [moved.new_zeros(())]
        )
        shift = (tried.readouts - whole[: len(reads)]).double()
        return Effect(
            slope.logits + (moved - NUDGE * slope.logits) / NUDGE**2,
            slope.readouts + (shift - NUDGE * slope.readouts) / NUDGE**2,
        )

    def test(
        self,
        ids: Sequence[str],
        how: Intervention,
        *,
        controls: int,
        seed: int,
        more: int = 0,
        whole: bool = False,
        readouts: Sequence[Sequence[str]] = (),
        progress: Callable[[float], None] = lambda _done: None,
    ) -> Outcome:
        """Intervene on the model: the group, its matched random controls and its doses in one batch.

        As many random others, turned down until they move the residual stream as far as the group does, are
        run beside those that are as active (`norm_controls`). Where the group beats every one of a kind,
        further ones are drawn until there are `more` in all. Stopping at the first that is not beaten makes
        p no smaller than chance allows (Besag and Clifford 1991): p <= 1 / (more + 1) still needs all of
        them beaten. `whole` looks at the whole vocabulary, and at no readouts, to count the controls that
        make the model say the foil.
        """
        study, basis = self.study, self.study.basis
        units = study.units(ids)
        drawn = basis.controls(units, lambda some: study.change_units(some, how), controls, seed)
        doses = [d for d in DOSES if how.kind == "ablate"]
        own = study.change_units(units, how)
        equal = basis.norm_controls(own, controls, seed)
        changes = [
            own,
            *(basis.scaled(units, dose) for dose in doses),
            *drawn.changes,
            *equal.changes,
        ]
        reads = [study.units(group) for group in readouts]
        effect, says_foil = self._measured(changes, reads, progress, whole)
        moved = (effect.logits[:, 0] - effect.logits[:, 1]).double() - self._clean()
        first, last = 1 + len(doses), 1 + len(doses) + len(drawn.changes)
        values, by_norm = moved[first:last], moved[last:]
        if more > len(values) and bool((values.abs() < moved[0].abs()).all()):
            again = basis.controls(units, lambda some: study.change_units(some, how), more, seed + 1)
            values = torch.cat([values, self._further(again.changes, drawn.changes, more, progress)])
        if more > len(by_norm) > 0 and bool((by_norm.abs() < moved[0].abs()).all()):
            others = basis.norm_controls(own, more, seed + 1).changes
            by_norm = torch.cat([by_norm, self._further(others, equal.changes, more, progress)])
        still = basis.measure_held([own], self.target, (self.answer, self.foil))
        study.forward_passes += len(changes) + 1
        size = [float(basis.activations(one).abs().sum()) or 1.0 for one in reads]
        return Outcome(
            measured=float(moved[0]),
            measured_frozen=float(still[0]),
            controls=tuple(float(x) for x in values),
            matched=drawn.matched,
            doses=dict(zip(doses, (float(x) for x in moved[1:first]), strict=True)),
            knock_on=tuple(float(effect.readouts[0, j]) / size[j] - 1 for j in range(len(reads))),
            norm_controls=tuple(float(x) for x in by_norm),
            norm_matched=equal.matched,
            say_foil=sum(says_foil[first:last]),
        )

    def _measured(
        self,
        changes: Sequence[Change],
        reads: Sequence[Units],
        progress: Callable[[float], None],
        whole: bool,
    ) -> tuple[Effect, list[bool]]:
        """What changes do, and, over the whole vocabulary, which of them make the model say the foil."""
        basis, both = self.study.basis, (self.answer, self.foil)
        if not whole:
            return basis.measure(changes, both, reads, progress), []
        logits, says_foil = [], []
        for row, done in basis.logits_after(changes):
            logits.append(row[list(both)])
            says_foil.append(int(row.argmax()) == self.foil)
            progress(done)
        return Effect(torch.stack(logits), torch.zeros(len(changes), 0)), says_foil

    def _further(
        self,
        drawn: Sequence[Change],
        known: Sequence[Change],
        wanted: int,
        progress: Callable[[float], None],
    ) -> Float[Tensor, " change"]:
        """What further random groups do, none of them known, until there are so many with the known ones."""
        before = {_key(change.units) for change in known}
        new = [change for change in drawn if _key(change.units) not in before][: wanted - len(known)]
        effect = self.study.basis.measure(new, (self.answer, self.foil), [], progress)
        self.study.forward_passes += len(new)
        return (effect.logits[:, 0] - effect.logits[:, 1]).double() - self._clean()

    def run_once(self, ids: Sequence[str], how: Intervention, k: int) -> SingleRun:
        """Run the model once with the intervention, everything free; no controls, so nothing is tested.

        Tells the tokens that are among the k most probable before or after, likeliest before first.
        """
        study = self.study
        study.forward_passes += 1
        before = study.frozen.logits
        after = study.basis.full_logits(study.change(ids, how))
        known = [*study.subject.top(before, k), *study.subject.top(after, k)]
        names = {found.token_id: found.token for found in known}
        then, now = before.double().softmax(-1), after.double().softmax(-1)
        moved = float(after[self.answer] - after[self.foil])
        tokens = tuple((name, float(then[i]), float(now[i])) for i, name in names.items())
        return SingleRun(moved - self._clean(), tokens)

    def _clean(self) -> float:
        logits = self.study.frozen.logits.double()
        return float(logits[self.answer] - logits[self.foil])


def _key(units: Units) -> tuple[tuple[int, int, int], ...]:
    """The same for the same features, in whatever order."""
    return tuple(sorted(zip(*(column.tolist() for column in units), strict=True)))
