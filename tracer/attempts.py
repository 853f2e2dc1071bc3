"""What the model says under each of many interventions, the whole vocabulary looked at. Decides nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracer.intervene import Change
from tracer.study import Contrast, Intervention


class Attempt(NamedTuple):
    """What one intervention did, seen from the contrast's foil."""

    moved: float  # change of logit(answer) - logit(foil)
    margin: float  # logit(foil) - the largest other logit: above 0 the foil is the most probable token
    says: str  # the most probable token
    foil_p: float


def attempt(
    contrast: Contrast,
    groups: Sequence[Sequence[str]],
    how: Intervention,
    progress: Callable[[float], None] = lambda _done: None,
) -> list[Attempt]:
    """Intervene on each of these groups apart, everything free."""
    return _looked_at(contrast, [contrast.study.change(group, how) for group in groups], progress)


def attempt_controls(
    contrast: Contrast, ids: Sequence[str], how: Intervention, *, controls: int, seed: int
) -> list[Attempt]:
    """The same with a test's matched random groups; the seed draws the same ones as `Contrast.test`."""
    study = contrast.study
    drawn = study.basis.controls(study.units(ids), lambda some: study.change_units(some, how), controls, seed)
    return _looked_at(contrast, drawn.changes)


def _looked_at(
    contrast: Contrast,
    changes: Sequence[Change],
    progress: Callable[[float], None] = lambda _done: None,
) -> list[Attempt]:
    study, foil, out = contrast.study, contrast.foil, []
    clean = contrast.value
    for row, done in study.basis.logits_after(changes):
        others = row.clone()
        others[foil] = -float("inf")
        first = int(row.argmax())
        out.append(
            Attempt(
                moved=float(row[contrast.answer].double() - row[foil].double()) - clean,
                margin=float(row[foil].double() - others.max().double()),
                says=study.subject.token_texts([first])[0],
                foil_p=float(row.double().softmax(-1)[foil]),
            )
        )
        progress(done)
    study.forward_passes += len(changes)
    return out
