"""What the model says under each of many interventions, the whole vocabulary looked at. Decides nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracer.study.outcomes import Intervention
from tracer.study.study import Contrast


class Attempt(NamedTuple):
    """What one intervention did, seen from the contrast's foil."""

    moved: float  # change of logit(answer) - logit(foil)
    margin: float  # logit(foil) - the largest other logit: above 0 the foil is the most probable token
    says: str  # the most probable token


def try_groups(
    contrast: Contrast,
    groups: Sequence[Sequence[str]],
    how: Intervention,
    progress: Callable[[float], None] = lambda _done: None,
) -> list[Attempt]:
    """Intervene on each of these groups apart, everything free."""
    study, foil, out = contrast.study, contrast.foil, []
    changes = [study.change(group, how) for group in groups]
    clean = contrast.value
    for row, done in study.basis.logits_after(changes):
        (first, second), order = (side.tolist() for side in row.topk(2))
        best = second if order[0] == foil else first
        out.append(
            Attempt(
                moved=float(row[contrast.answer].double() - row[foil].double()) - clean,
                margin=float(row[foil]) - best,
                says=study.subject.token_texts(order[:1])[0],
            )
        )
        progress(done)
    study.forward_passes += len(changes)
    return out
