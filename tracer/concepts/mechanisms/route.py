"""Where what a word says goes, layer by layer and head by head: beside the text with another in its place.

Activations of the other text are put into this one (activation patching: Meng et al. 2022, section 2; Wang et
al. 2023): behind one block at the exchanged word or at the last one, or what one head writes at the last one.
How far the answer then moves towards what the other text brings says where the difference is at work.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, stand_alone
from tracer.concepts.mechanisms.near_words import try_near_words
from tracer.concepts.mechanisms.texts import Replacement, drawn_words, logits_behind, logits_with
from tracer.concepts.words import Words
from tracer.interventions import FREE, Start, final_logits, remember_prefix, rerun, rows_at_once
from tracer.models import hook_after, hook_before, part

HEADS = 3  # that are named at most
LEAST = 0.1  # of the way that one of them must make by itself
HALF = 0.5  # of the way, from which the difference counts as being at a place
CONTROLS = 99  # sets of as many other heads
DRAWN = 400  # words among which those written alike are looked for
TRIED = 24
RELAYS = 48  # words between both that are looked at, the last ones


class HeadPart(NamedTuple):
    """A head, and the part of the way that its output at the last word makes by itself."""

    layer: int
    head: int
    share: float


class Route(NamedTuple):
    """How the difference between two words gets from the exchanged word to the last one.

    Shares are of the way from the answer to `says`, in the difference of both logits: 1 is all of it.
    `stays`: the last block behind which the exchanged word's stream makes half of it; `kept` and `gone` are
    the shares there and one block on. `arrives`: the block from which on the last word's stream does, None
    where only the last block's; `at_last` is that share. `between`: position and share of the word between
    both that makes most where neither of them does, None where both meet. `heads`: up to three that make
    most, `together` what they make at once, `said` the token said then and its probability, `others` what as
    many other heads make.
    """

    places: Replacement
    says: int
    stays: int
    kept: float
    gone: float
    arrives: int | None
    at_last: float
    between: tuple[int, float] | None
    heads: tuple[HeadPart, ...]
    together: float
    said: tuple[int, float]
    others: tuple[float, ...]


class _Other(NamedTuple):
    """What the other text leaves behind: each block's stream from `first` on, its heads at the last word."""

    first: int
    streams: list[Float[Tensor, "pos d_model"]]
    heads: list[Float[Tensor, " heads_d_head"]]
    logits: Float[Tensor, " vocab"]


class Patch(NamedTuple):
    """The streams of some positions, which are set behind a block."""

    layer: int
    streams: Mapping[int, Float[Tensor, " d_model"]]


@torch.no_grad()
def find_route(frozen: Frozen, answer: int, places: Replacement, says: int, seed: int = 0) -> Route | None:
    """Follow what the replaced tokens say to the last word; None where it cannot be followed.

    `places`: (position, other token) pairs; `says`: what the model is likeliest to say with them, or what is
    compared. There is no way where a replaced token is the last one, or the other text does not bring `says`
    nearer.
    """
    key = "route", answer, places, says, seed
    if key not in frozen.found:
        frozen.found[key] = _find_route(frozen, answer, places, says, seed)
    found: Route | None = frozen.found[key]
    return found


@torch.no_grad()
def find_other_word(
    frozen: Frozen, words: Words, answer: int, span: tuple[int, int]
) -> tuple[Replacement, int] | None:
    """A word to put in the place of one (its first and last position) with which something else is said.

    With what is said; None without one. Words like it first where it is one token, then any written like it,
    which stand for each of its pieces: the one that makes the model surest of something else, of what means
    something where the answer does.
    """
    subject, (first, last) = frozen.subject, span
    telling = is_content(subject.token_texts([answer])[0])
    near = try_near_words(frozen, words, answer, first).tried if first == last else ()
    for tried in (near, _written_alike(frozen, words, first)):
        if not tried:
            continue
        puts = [tuple((place, other) for place in range(first, last + 1)) for other in tried]
        p = logits_with(frozen, puts).double().softmax(-1)
        surest, said = (some.tolist() for some in p.max(-1))
        means = [is_content(text) for text in subject.token_texts(said)]
        able = [row for row, token in enumerate(said) if token != answer and (means[row] or not telling)]
        if able:
            best = max(able, key=lambda row: surest[row])
            return puts[best], said[best]
    return None


def _written_alike(frozen: Frozen, words: Words, position: int) -> tuple[int, ...]:
    """Whole words of the same script and with a capital or none, that have nothing to do with the text."""
    subject, here = frozen.subject, frozen.tokens[position].strip()
    drawn = drawn_words(frozen, words, DRAWN)
    looks = [here.isascii(), here.islower(), here.istitle()]
    same = [
        token
        for token, text in zip(drawn, subject.token_texts(drawn), strict=True)
        if [text.strip().isascii(), text.strip().islower(), text.strip().istitle()] == looks
    ][:TRIED]
    whole = zip(same, stand_alone(subject, same), strict=True)
    return tuple(token for token, alone in whole if alone)


def _find_route(frozen: Frozen, answer: int, places: Replacement, says: int, seed: int) -> Route | None:
    last, depth = frozen.length - 1, len(frozen.layers)
    if not places or answer == says or any(position >= last for position, _ in places):
        return None
    other = _run_other(frozen, places)
    here, there = (float(x[answer] - x[says]) for x in (frozen.logits.double(), other.logits.double()))
    if here <= there:
        return None

    def shares(logits: Float[Tensor, "row two"]) -> list[float]:
        ahead = logits.double()
        found: list[float] = ((here - (ahead[:, 0] - ahead[:, 1])) / (here - there)).tolist()
        return found

    tokens = [answer, says]

    def at_word(layer: int) -> float:
        streams = {position: other.streams[layer][position - other.first] for position, _ in places}
        return shares(_with_streams(frozen, [Patch(layer, streams)], tokens))[0]

    stays, kept, gone = _last_that_holds(at_word, depth)
    if kept < HALF:
        return None
    at_end = [Patch(layer, {last: other.streams[layer][-1]}) for layer in range(depth)]
    arrived = shares(_with_streams(frozen, at_end, tokens))
    arrives = next((at for at in range(depth) if min(arrived[at:]) >= HALF), depth - 1)
    between = None
    if arrives > stays + 1:
        between = _most_between(frozen, other, (stays + 1, max(p for p, _ in places)), shares, tokens)
    every = [(layer, head) for layer in range(depth) for head in range(frozen.subject.shape.heads)]
    alone = shares(_with_heads(frozen, other, [[one] for one in every], tokens))
    order = sorted(range(len(every)), key=lambda at: -alone[at])
    heads = [HeadPart(*every[at], alone[at]) for at in order[:HEADS] if alone[at] >= LEAST]
    together, said, others = 0.0, (answer, 0.0), list[float]()
    if heads:
        named = [(one.layer, one.head) for one in heads]
        logits = _with_heads(frozen, other, [named], None)
        together = shares(logits[:, tokens])[0]
        p = logits[0].double().softmax(-1)
        said = int(p.argmax()), float(p.max())
        drawn = _draw_others([one for one in every if one not in named], len(named), seed)
        others = shares(_with_heads(frozen, other, drawn, tokens)) if drawn else []
    return Route(
        places=places,
        says=says,
        stays=stays,
        kept=kept,
        gone=gone,
        arrives=arrives if arrives < depth - 1 else None,
        at_last=arrived[arrives],
        between=between,
        heads=tuple(heads),
        together=together,
        said=said,
        others=tuple(others),
    )


def _last_that_holds(at: Callable[[int], float], depth: int) -> tuple[int, float, float]:
    """The last block behind which the word holds half, by halving, with the shares there and one block on."""
    low, high, kept, gone = 0, depth - 1, at(0), 0.0
    while high - low > 1:
        middle = (low + high) // 2
        share = at(middle)
        if share >= HALF:
            low, kept = middle, share
        else:
            high, gone = middle, share
    return low, kept, gone


def _most_between(
    frozen: Frozen,
    other: _Other,
    where: tuple[int, int],
    shares: Callable[[Tensor], list[float]],
    tokens: Sequence[int],
) -> tuple[int, float] | None:
    """The word after the exchanged one whose stream behind a block makes most of the way by itself."""
    layer, word = where
    places = list(range(word + 1, frozen.length - 1))[-RELAYS:]
    if not places:
        return None
    rows = [Patch(layer, {place: other.streams[layer][place - other.first]}) for place in places]
    found = shares(_with_streams(frozen, rows, tokens))
    best = max(range(len(places)), key=lambda at: found[at])
    return places[best], found[best]


def _draw_others(rest: Sequence[tuple[int, int]], size: int, seed: int) -> list[list[tuple[int, int]]]:
    """Sets of as many other heads."""
    generator = torch.Generator().manual_seed(seed)
    if len(rest) < size:
        return []
    return [
        [rest[at] for at in torch.randperm(len(rest), generator=generator)[:size].tolist()]
        for _ in range(CONTROLS)
    ]


def _run_other(frozen: Frozen, places: Replacement) -> _Other:
    """Run the text with the tokens replaced, and keep what it leaves behind."""
    first = min(position for position, _ in places)
    tail = frozen.ids[first:].clone()
    for position, token in places:
        tail[position - first] = token
    streams, heads, family = list[Tensor](), list[Tensor](), frozen.subject.family
    handles = []
    if first or frozen.before:
        remember_prefix(frozen, Start(0, 1))  # before the hooks: it runs the blocks as well

    def keep_stream(_module: Any, _args: Any, out: Any) -> None:
        streams.append((out[0] if isinstance(out, tuple) else out)[0])

    def keep_heads(_module: Any, args: tuple[Tensor, ...]) -> None:
        heads.append(args[0][0, -1])

    for block in frozen.subject.blocks:
        handles.append(hook_after(block, keep_stream))
        handles.append(hook_before(part(block, family.attention_out), keep_heads))
    try:
        logits = logits_behind(frozen, first, tail[None])[0]
    finally:
        for handle in handles:
            handle.remove()
    return _Other(first, streams[-len(frozen.layers) :], heads[-len(frozen.layers) :], logits)


def _with_streams(
    frozen: Frozen, patches: Sequence[Patch], tokens: Sequence[int]
) -> Float[Tensor, "patch token"]:
    """Logits with each patch's positions set to its streams behind its block, all else free to follow."""
    start = Start(min(patch.layer for patch in patches) + 1, min(min(patch.streams) for patch in patches))
    remember_prefix(frozen, start)
    size = rows_at_once(frozen, start.position)
    parts = [patches[at : at + size] for at in range(0, len(patches), size)]
    return torch.cat([_run_with_streams(frozen, start, some, tokens) for some in parts])


def _run_with_streams(
    frozen: Frozen, start: Start, patches: Sequence[Patch], tokens: Sequence[int]
) -> Float[Tensor, "patch token"]:
    puts = {layer: _put(patches, layer, start.position) for layer in {patch.layer for patch in patches}}
    blocks, handles = frozen.subject.blocks, []
    for layer, put in puts.items():
        if layer + 1 < len(blocks):
            handles.append(hook_before(blocks[layer + 1], _on_input(put)))
    try:
        stream = rerun(frozen, len(patches), start)
    finally:
        for handle in handles:
            handle.remove()
    if len(blocks) - 1 in puts:
        stream = puts[len(blocks) - 1](stream)
    return final_logits(frozen, stream[:, -1], FREE, tokens)


def _put(patches: Sequence[Patch], layer: int, first: int) -> Callable[[Tensor], Tensor]:
    """Sets what is set behind one block, in the rows that do so there."""
    cells = [
        (row, place - first, stream)
        for row, patch in enumerate(patches)
        if patch.layer == layer
        for place, stream in patch.streams.items()
    ]
    values = torch.stack([stream for _, _, stream in cells])
    rows, at = (
        torch.tensor(some, device=values.device) for some in zip(*((r, p) for r, p, _ in cells), strict=True)
    )
    return lambda stream: stream.index_put((rows, at), values.to(stream))


def _on_input(put: Callable[[Tensor], Tensor]) -> Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]:
    return lambda _module, args: (put(args[0]), *args[1:])


def _with_heads(
    frozen: Frozen, other: _Other, sets: Sequence[Sequence[tuple[int, int]]], tokens: Sequence[int] | None
) -> Float[Tensor, "set token"]:
    """Logits where each set's heads write at the last word what they write there in the other text."""
    start, found = Start(0, frozen.length - 1), list[Tensor]()
    remember_prefix(frozen, start)
    size = rows_at_once(frozen, start.position)
    for at in range(0, len(sets), size):
        some = sets[at : at + size]
        with _heads_of_other(frozen, other, some):
            stream = rerun(frozen, len(some), start)
        found.append(final_logits(frozen, stream[:, -1], FREE, tokens))
    return torch.cat(found)


@contextmanager
def _heads_of_other(
    frozen: Frozen, other: _Other, sets: Sequence[Sequence[tuple[int, int]]]
) -> Iterator[None]:
    family, size, handles = frozen.subject.family, frozen.subject.shape.d_head, []
    for layer in range(len(frozen.layers)):
        pairs = [(row, head) for row, one in enumerate(sets) for at, head in one if at == layer]
        if pairs:
            hook = _write_as(pairs, other.heads[layer], size)
            handles.append(hook_before(part(frozen.subject.blocks[layer], family.attention_out), hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _write_as(pairs: Sequence[tuple[int, int]], values: Tensor, size: int) -> Callable[[Any, Any], Any]:
    def hook(_module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen = args[0].clone()
        for row, head in pairs:
            seen[row, 0, head * size : (head + 1) * size] = values[head * size : (head + 1) * size]
        return (seen, *args[1:])

    return hook
