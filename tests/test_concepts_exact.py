"""Changes of concepts on tiny random models in float64, against hooks written here."""

from typing import Any

import pytest
import torch
from tests_support import FAMILIES, freeze_words, tiny_subject

from tracer.concepts import (
    Clamp,
    Held,
    Reading,
    ablate,
    displacement,
    exchange,
    exchange_controls,
    measure,
    scale,
    span,
)
from tracer.concepts.change import stream_behind
from tracer.errors import GraphError
from tracer.lens import About, Background, Lens, directions

HELD = Held((3, 6), 0, 1)


def random_lens(subject: Any) -> Lens:
    random = torch.Generator().manual_seed(5)
    d_model, layers = subject.shape.d_model, subject.layers
    matrices = {
        layer: torch.eye(d_model) + torch.randn(d_model, d_model, generator=random) / d_model**0.5
        for layer in range(layers - 1)
    }
    background = Background(
        mean=torch.randn(layers, d_model, generator=random) / 4,
        factor=torch.randn(layers, 4, d_model, generator=random) / 4,
        rest=torch.rand(layers, d_model, generator=random),
    )
    about = About(subject.name, d_model, layers, 1, 9, len(subject.unembedding))
    return Lens(matrices, about, background)


def made(tiny: Any, family: str) -> tuple[Any, Lens]:
    subject = tiny_subject(tiny, family)
    return freeze_words(subject), random_lens(subject)


def by_hooks(frozen: Any, edit: Any) -> torch.Tensor:
    """All logits at the last position when `edit(layer, stream)` is what leaves each block."""

    def hook(layer: int) -> Any:
        def run(_module: Any, _args: Any, out: Any) -> Any:
            stream = edit(layer, (out[0] if isinstance(out, tuple) else out).clone())
            return (stream, *out[1:]) if isinstance(out, tuple) else stream

        return run

    handles = [block.register_forward_hook(hook(layer)) for layer, block in enumerate(frozen.subject.blocks)]
    try:
        with torch.no_grad():
            return frozen.subject.model(frozen.ids[None], use_cache=False).logits[0, -1]
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_exchange_is_the_swap_formula_at_every_layer(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    found = measure(frozen, [exchange(frozen, lens, HELD, [7], [11])]).logits[0]

    def swapped(layer: int, stream: torch.Tensor) -> torch.Tensor:
        if layer in HELD.layers:
            v = directions(lens, frozen.subject, layer, [7, 11]).double().T  # V = [v_a v_b]
            for position in HELD.positions:
                c = v.T @ stream_behind(frozen, layer)[position]
                now = v.T @ stream[0, position]
                stream[0, position] += v @ torch.linalg.inv(v.T @ v) @ (c.flip(0) - now)
        return stream

    torch.testing.assert_close(found, by_hooks(frozen, swapped), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["gemma3", "gpt2", "gpt_neox"])
def test_an_ablated_coordinate_is_what_other_texts_have(tiny: Any, family: str) -> None:
    frozen, lens = made(tiny, family)
    blind = Lens(lens.matrices, lens.about)
    read = directions(lens, frozen.subject, 1, [7])[0].to(frozen.embedded)
    effect = measure(frozen, [ablate(frozen, blind, HELD, [7])], None, [Reading(1, 6, read)])
    assert abs(float(effect.readings)) < 1e-6 * float(read.norm() * stream_behind(frozen, 1)[6].norm())


def test_all_at_once_is_one_by_one_and_nothing_changed_is_the_text(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    changes = [
        exchange(frozen, lens, HELD, [7], [11]),
        ablate(frozen, lens, Held((8,), 1, 1), [3, 4]),
        scale(frozen, lens, Held((0, 2), 0, 2), [9], -1.0),
        scale(frozen, lens, HELD, [9], 1.0),
    ]
    read = Reading(2, 8, directions(lens, frozen.subject, 2, [7])[0].to(frozen.embedded))
    together = measure(frozen, changes, None, [read])
    apart = [measure(frozen, [change], None, [read]) for change in changes]
    torch.testing.assert_close(
        together.logits, torch.cat([one.logits for one in apart]), rtol=1e-7, atol=1e-7
    )
    torch.testing.assert_close(together.readings, torch.cat([one.readings for one in apart]))
    torch.testing.assert_close(together.logits[3], frozen.logits, rtol=1e-5, atol=1e-5)
    few = measure(frozen, changes, [4, 2])
    torch.testing.assert_close(few.logits, together.logits[:, [4, 2]])


def test_setting_coordinates_moves_nothing_else(tiny: Any) -> None:
    frozen, lens = made(tiny, "llama")
    space = span(directions(lens, frozen.subject, 0, [7, 11]).double())
    torch.testing.assert_close(
        space.read @ space.write.T, torch.eye(2, dtype=torch.float64), atol=1e-6, rtol=0
    )
    clamp = Clamp(0, 1, space, torch.zeros(2, dtype=torch.float64))
    with pytest.raises(GraphError):
        measure(frozen, [(clamp, clamp)])
    with pytest.raises(GraphError):
        measure(frozen, [()])


def test_directions_that_are_nothing_write_nothing() -> None:
    read = torch.zeros(2, 8)
    assert span(read[:1]).write.count_nonzero() == 0
    read[1, 3] = 2.0
    torch.testing.assert_close(span(read).write, torch.eye(8)[[3, 3]] * torch.tensor([[0.0], [0.5]]))


def test_controls_move_the_stream_as_far_and_are_never_widened(tiny: Any) -> None:
    frozen, lens = made(tiny, "gemma3")
    drawn = exchange_controls(frozen, lens, HELD, (7, 11), count=20)
    wanted = displacement(exchange(frozen, lens, HELD, [7], [11]), frozen)
    lengths = [displacement(change, frozen) for change in drawn.changes]
    assert len(drawn.changes) == min(20, drawn.matched)
    assert drawn.asked == 20
    assert all(abs(length / wanted - 1) <= 0.1001 for length in lengths)
    assert not {7, 11} & {token for pair in drawn.tokens for token in pair}
