"""A change of concepts held at its places in the text while a model writes on behind it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from tracer.attribution import Frozen
from tracer.concepts.change import Change, clamped, first_touched
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import exchange, scale
from tracer.interventions import Start
from tracer.lens import Lens
from tracer.models import HeldPass, hook_before, part


def hold_concept(
    frozen: Frozen, lens: Lens, node: ConceptNode, factor: float, other: int | None = None
) -> HeldPass:
    """What `write_on` enters round each pass: the concept times `factor` (0: out), or exchanged for `other`.

    Behind the text the stream is left as it comes.
    """
    own = node.tokens[:1]
    if other is not None:
        return _hold(frozen, exchange(frozen, lens, node.held, own, [other]))
    return _hold(frozen, scale(frozen, lens, node.held, own, factor))


def _hold(frozen: Frozen, change: Change) -> HeldPass:
    start = Start(first_touched(frozen, [change]).layer, 0)

    @contextmanager
    def held(first: int, _count: int) -> Iterator[None]:
        if first > 0:  # a later pass: the text's own places are in the cache
            yield
            return
        with clamped(frozen, [change], (), start, frozen.final_stream.new_zeros(1, 0)) as at_the_end:

            def end(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
                return (at_the_end(args[0]), *args[1:])

            norm = part(frozen.subject.model, frozen.subject.family.final_norm)
            handle = hook_before(norm, end)
            try:
                yield
            finally:
                handle.remove()

    return held
