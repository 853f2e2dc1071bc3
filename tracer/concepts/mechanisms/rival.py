"""A suppressed rival: another token is ahead at the last word first, and late blocks take it back."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.change import Clamp, measure, stream_behind
from tracer.concepts.kinds import Alternative
from tracer.concepts.subspace import span
from tracer.lens import Lens, directions, lens_logits


class Rival(NamedTuple):
    """`layer`: the last block behind which the rival is read above the answer; `says` when that is kept."""

    holds: bool
    rival: int | None
    layer: int | None
    says: int | None


def try_rival(frozen: Frozen, lens: Lens, answer: int, alternatives: Sequence[Alternative]) -> Rival:
    """Keep the rival's and the answer's coordinates as they are where the rival leads, up to the end."""
    last, subject = len(frozen.layers) - 1, frozen.subject
    rivals = [one.token_id for one in alternatives]
    found = None
    for layer in range(last // 2, last):
        read = lens_logits(lens, subject, layer, stream_behind(frozen, layer)[-1], [answer, *rivals])
        best = int(read.argmax())
        if best:
            found = layer, rivals[best - 1]
    if found is None or found[0] >= last - 1:
        return Rival(False, None, None, None)
    layer, rival = found
    kept = stream_behind(frozen, layer)[-1]
    clamps = []
    for later in range(layer + 1, last + 1):
        space = span(directions(lens, subject, later, [rival, answer]).to(kept))
        clamps.append(Clamp(later, frozen.length - 1, space, space.coordinates(kept)))
    says = int(measure(frozen, [tuple(clamps)]).logits[0].argmax())
    return Rival(says == rival, rival, layer, says)
