"""The way of a word through layers and heads: tiny models against hooks written here, and the real one."""

from itertools import islice
from typing import Any

import pytest
import torch
from tests_support import FAMILIES, freeze_words, tiny_subject
from tolerance import SHARPENED, assert_close

from tracer.attribution import freeze
from tracer.concepts import find_route, nameable_words, try_near_words
from tracer.models import part

CHECKED = 3  # ways of each family
LEAST = 0.05


def run(frozen: Any, ids: Any, streams: Any = None, heads: Any = None) -> tuple[torch.Tensor, Any, Any]:
    """All logits at the end, streams behind blocks, what enters each attention's output; some of it set."""
    subject, behind, entering, handles = frozen.subject, [], [], []

    def after(layer: int) -> Any:
        def hook(_module: Any, _args: Any, out: Any) -> Any:
            stream = (out[0] if isinstance(out, tuple) else out).clone()
            for position, value in (streams or {}).get(layer, {}).items():
                stream[0, position] = value
            behind.append(stream[0])
            return (stream, *out[1:]) if isinstance(out, tuple) else stream

        return hook

    def before(layer: int) -> Any:
        def hook(_module: Any, args: Any) -> Any:
            seen, size = args[0].clone(), subject.shape.d_head
            for head, value in (heads or {}).get(layer, {}).items():
                seen[0, -1, head * size : (head + 1) * size] = value
            entering.append(seen[0, -1])
            return (seen, *args[1:])

        return hook

    for layer, block in enumerate(subject.blocks):
        handles.append(block.register_forward_hook(after(layer)))
        out = part(block, subject.family.attention_out)
        handles.append(out.register_forward_pre_hook(before(layer)))
    try:
        with torch.no_grad():
            logits = subject.model(ids[None], use_cache=False).logits[0, -1].double()
    finally:
        for handle in handles:
            handle.remove()
    return logits, behind, entering


def routes(frozen: Any) -> Any:
    """Ways of some exchanged words, with what the other text says more and less likely."""
    for position in range(1, frozen.length - 1):
        for token in range(3, 97, 7):
            ids = frozen.ids.clone()
            ids[position] = token
            moved = run(frozen, ids)[0] - frozen.logits.double()
            answer, says = int(moved.argmin()), int(moved.argmax())
            found = find_route(frozen, answer, ((position, token),), says)
            if found is not None:
                yield found, answer, says, ids


@pytest.mark.parametrize("family", FAMILIES)
def test_shares_are_those_of_patched_runs(tiny: Any, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.concepts.mechanisms.route.HALF", LEAST)  # in a random model all is spread
    frozen, checked = freeze_words(tiny_subject(tiny, family)), 0
    for found, answer, says, ids in islice(routes(frozen), CHECKED):
        (position, _), last = found.places[0], frozen.length - 1
        theirs, behind, entering = run(frozen, ids)

        def share(
            logits: torch.Tensor, theirs: torch.Tensor = theirs, a: int = answer, s: int = says
        ) -> float:
            own = frozen.logits.double()
            here, there = float(own[a] - own[s]), float(theirs[a] - theirs[s])
            return (here - float(logits[a] - logits[s])) / (here - there)

        def put(layer: int, place: int, behind: Any = behind) -> float:
            return share(run(frozen, frozen.ids, {layer: {place: behind[layer][place]}})[0])

        def heads(chosen: Any, entering: Any = entering) -> torch.Tensor:
            size, values = frozen.subject.shape.d_head, dict[int, dict[int, Any]]()
            for one in chosen:
                rows = entering[one.layer][one.head * size : (one.head + 1) * size]
                values.setdefault(one.layer, {})[one.head] = rows
            return run(frozen, frozen.ids, heads=values)[0]

        expected = [put(found.stays, position), put(found.stays + 1, position)]
        assert_close([found.kept, found.gone], expected, SHARPENED, size=32.0)
        assert found.kept >= LEAST > found.gone
        if found.arrives is not None:
            assert_close(found.at_last, put(found.arrives, last), SHARPENED, size=32.0)
        for one in found.heads:
            assert_close(one.share, share(heads([one])), SHARPENED, size=32.0)
        if found.heads:
            together = heads(found.heads)
            assert_close(found.together, share(together), SHARPENED, size=32.0)
            assert found.said[0] == int(together.argmax())
            assert len(found.others) == 99
        checked += 1
    assert checked


def test_a_country_is_taken_to_the_end_by_few_heads(embedded_subject: Any) -> None:
    frozen = freeze(embedded_subject, embedded_subject.encode("The currency of Japan is the", 64))
    answer, words = int(frozen.logits.argmax()), nameable_words(embedded_subject)
    position = frozen.tokens.index(" Japan")
    turn = try_near_words(frozen, words, answer, position).turns[0]
    found = find_route(frozen, answer, ((position, turn.other),), turn.says)
    assert found is not None
    assert found.gone < 0.2
    assert min(found.kept, found.at_last) > 0.8
    assert found.arrives == found.stays + 1  # it moves in one layer
    assert found.said[0] == turn.says  # what three heads write makes the model say the other currency
    assert max(found.others) < found.together / 2


def test_there_is_no_way_from_the_last_word_or_to_the_answer_itself(tiny: Any) -> None:
    frozen = freeze_words(tiny_subject(tiny, "llama"))
    assert find_route(frozen, 3, ((frozen.length - 1, 5),), 7) is None
    assert find_route(frozen, 3, ((1, 5),), 3) is None
    assert find_route(frozen, 3, (), 7) is None
