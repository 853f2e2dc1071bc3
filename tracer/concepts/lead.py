"""What changes do to the answer's lead, without reading the whole vocabulary where a few tokens do."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Change, Reading, measure
from tracer.concepts.kinds import Alternative, contrast_direction


def change_of_lead(
    frozen: Frozen,
    changes: Sequence[Change],
    answer: int,
    alternatives: Sequence[Alternative],
    readings: Sequence[Reading] = (),
) -> tuple[Float[Tensor, " change"], Float[Tensor, "change reading"]]:
    """By how much each change moves the lead (logits, float64), and the readings as they are then."""
    clean = contrast_direction(frozen.logits, answer, alternatives)
    tokens = [answer, *(one.token_id for one in alternatives)] if alternatives else None
    effect = measure(frozen, changes, tokens, readings)
    if tokens is None:
        return contrast_direction(effect.logits, answer, ()) - clean, effect.readings
    logits = effect.logits.double()
    return logits[:, 0] - logits[:, 1:].mean(-1) - clean, effect.readings
