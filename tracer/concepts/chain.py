"""From concepts that are read to a chain that is tested: which matter to the answer, and what leads to what.

Every candidate is taken out, and the answer's lead over its alternatives and every other concept's coordinate
are read again. Knows no words for it: a chain is numbers and places.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Effect, Reading, measure, stream_behind
from tracer.concepts.controls import ENOUGH_CONTROLS, LEVEL
from tracer.concepts.installing import share_that_install, try_installing
from tracer.concepts.kinds import (
    KINDRED,
    Alternative,
    contrast_direction,
    is_name,
    kinship,
    same_kind,
    with_space,
)
from tracer.concepts.lead import change_of_lead
from tracer.concepts.naming import add_effects, name_values
from tracer.concepts.nodes import NAMED, ConceptNode
from tracer.concepts.operations import ablate, usual_coordinates
from tracer.concepts.pushes import push_controls
from tracer.concepts.where import MATTERS, TestedNode, names_best, that_are_held, that_matter
from tracer.concepts.words import Words
from tracer.lens import Lens, directions, surface
from tracer.models import Model

CARRIED = 0.25  # of a concept's strength that must go with an earlier one for a hop
BRINGS = 4.0  # logits that a name counts more whose exchanges all bring another answer
AT_ONCE = 2.0  # by which the answer itself must be read above all else at a word: a look-up without a hop
TRIED = 4  # names at a word that are tried against controls
EXCHANGED = 2  # names that are tried by exchanges where no ablation shows one
HELD = 3  # names that are, at the word that counts most, where no ablation shows any
AS_MUCH = 0.5  # of what goes with a concept must go with another name that is told beside it
FIRST = 3  # places at which a concept is read that is told though it does not count
STEM = 4  # letters in which that differs from it


class Chain(NamedTuple):
    """The lead of the answer over the mean of its alternatives, the tested concepts, and the path of some.

    `path` are indices of `tested`, first to last; () where no concept matters. `start` is the position of the
    word where it begins. `main`: the one of the path that names what is held where the answer is looked up.
    `also`: another name of that, without which much goes too. `idle`: what names best what is held at an
    earlier word, whether or not it matters.
    """

    answer: int
    alternatives: tuple[Alternative, ...]
    lead: float
    tested: tuple[TestedNode, ...]
    path: tuple[int, ...]
    start: int | None
    main: int | None = None
    idle: int | None = None
    also: int | None = None


def follow(
    frozen: Frozen,
    lens: Lens,
    nodes: Sequence[ConceptNode],
    answer: int,
    alternatives: Sequence[Alternative],
    words: Words | None = None,
) -> Chain:
    """Take out each node in one batch and find the path to the answer.

    With words to draw partners from, a concept that names better what is held than all that an ablation
    shows may be shown by an exchange that installs another answer.
    """
    lead = float(contrast_direction(frozen.logits, answer, alternatives))
    if not nodes:
        return Chain(answer, tuple(alternatives), lead, (), (), None)
    effect = _without_each(frozen, lens, nodes)
    change = contrast_direction(effect.logits, answer, alternatives) - lead
    knock_on = _knock_on(frozen, lens, nodes, effect.readings)
    p = effect.logits.double().softmax(-1)
    tested = tuple(
        TestedNode(
            node=node,
            effect=float(change[row]),
            share=float(change[row]) / lead if lead else 0.0,
            says=int(effect.logits[row].argmax()),
            p_answer=float(p[row, answer]),
            knock_on=tuple(knock_on[row].tolist()),
        )
        for row, node in enumerate(nodes)
    )
    names = name_values(frozen, nodes, answer)
    telling = _telling(frozen, nodes)
    idle = _not_used(frozen, tested, names, answer, telling)
    here = that_matter(tested, frozen.length - 1)
    best = min((tested[i].effect for i in here), default=0.0)
    values = add_effects(names, [one.effect for one in tested], best)
    here.sort(key=lambda i: -values[i])
    tested = _tried(frozen, lens, tested, here[:TRIED], answer, alternatives)
    if words is not None:
        tested = _explored(frozen, lens, words, tested, here[:TRIED], answer)
        values = [v + BRINGS * one.installs for v, one in zip(values, tested, strict=True)]
    main = _main(tested, values, here, answer)
    better = here if main is None else [i for i in here[: here.index(main)] if tested[i].p > LEVEL]
    if better and words is not None:
        tested = _exchanged(frozen, lens, words, tested, better[:EXCHANGED], answer, alternatives)
        main = _main(tested, values, here, answer)
    if main is None and words is not None:
        held = that_are_held(tested, names, frozen.length - 1, answer)
        held = [i for i in held if i not in better[:EXCHANGED]][:HELD]
        tested = _exchanged(frozen, lens, words, tested, held, answer, alternatives)
        main = _main(tested, values, held, answer)
    if main is None:
        return Chain(answer, tuple(alternatives), lead, tested, (), None, idle=idle)
    around = _around(tested, values, main, answer) if main in here else (None, None)
    tested = _tried(frozen, lens, tested, [i for i in around if i is not None], answer, alternatives)
    before, after = (i if i is not None and tested[i].p <= LEVEL else None for i in around)
    path = tuple(i for i in (before, main, after) if i is not None)
    also = _also(tested, here, path, main, answer)
    start = tested[path[0]].node.position
    return Chain(answer, tuple(alternatives), lead, tested, path, start, main, idle, also)


def _without_each(frozen: Frozen, lens: Lens, nodes: Sequence[ConceptNode]) -> Effect:
    changes = [ablate(frozen, lens, node.held, node.tokens[:1]) for node in nodes]
    return measure(frozen, changes, None, [reading_of(frozen, lens, node) for node in nodes])


def _telling(frozen: Frozen, nodes: Sequence[ConceptNode]) -> list[bool]:
    """Which nodes are worth a word though they do not count: names ("Japan" at "sushi").

    Read among the first; none that is written like the word it is read at ("county" at "country"), nor a
    digit's name.
    """
    out = []
    for node in nodes:
        stem, word = (surface(text)[:STEM] for text in (node.name, frozen.tokens[node.position]))
        other = stem != word and not word.isdigit() and node.rank < FIRST
        out.append(other and is_name(frozen.subject, node.tokens[0]))
    return out


def _not_used(
    frozen: Frozen, tested: Sequence[TestedNode], names: Sequence[float], answer: int, telling: list[bool]
) -> int | None:
    """What names best what is held at an earlier word and is no other of its kind ("Rachel" at "Sarah")."""
    able = list(telling)
    for _ in range(TRIED):
        index = names_best(tested, names, frozen.length - 1, answer, able)
        if index is None:
            break
        node = tested[index].node
        word, token = int(frozen.ids[node.position]), node.tokens[0]
        if not _is_akin(frozen.subject, word, token):
            return index
        able[index] = False
    return None


def _is_akin(subject: Model, word: int, token: int) -> bool:
    """Whether a token is just another of the kind of a word: near it, and gone on with alike."""
    own = with_space(subject, word)
    return bool(same_kind(subject, own, [token])) and float(kinship(subject, own, [token])) >= KINDRED


def reading_of(frozen: Frozen, lens: Lens, node: ConceptNode) -> Reading:
    """The coordinate of a node's first token where it is strongest."""
    direction = directions(lens, frozen.subject, node.best_layer, node.tokens[:1])[0]
    return Reading(node.best_layer, node.position, direction.to(frozen.final_stream))


def _knock_on(
    frozen: Frozen, lens: Lens, nodes: Sequence[ConceptNode], readings: Float[Tensor, "node other"]
) -> Float[Tensor, "node other"]:
    """Relative change of each node's coordinate beside its usual value when another is taken out."""
    out = torch.zeros_like(readings)
    for column, node in enumerate(nodes):
        layer = node.best_layer
        reading = reading_of(frozen, lens, node)
        clean = stream_behind(frozen, layer)[node.position] @ reading.direction
        usual = usual_coordinates(frozen, lens, layer, node.tokens[:1])[node.position, 0]
        above = clean - usual
        if float(above) > 0:
            out[:, column] = (readings[:, column] - clean) / above
    for row, node in enumerate(nodes):
        for column, other in enumerate(nodes):
            if row == column or not comes_after(other, node):
                out[row, column] = 0.0
    return out


def comes_after(node: ConceptNode, other: ConceptNode) -> bool:
    """Whether a node lies where the other can lead to: a later layer, at its word or a later one."""
    return node.position >= other.position and node.best_layer > other.first


def _tried(
    frozen: Frozen,
    lens: Lens,
    tested: tuple[TestedNode, ...],
    which: Sequence[int],
    answer: int,
    alternatives: Sequence[Alternative],
) -> tuple[TestedNode, ...]:
    """The same with `p` of some: taking a concept out against pushing unrelated words as far."""
    if not which:
        return tested
    kind = [one.token_id for one in alternatives]
    rows, sizes = [], []
    for index in which:
        node = tested[index].node
        change = ablate(frozen, lens, node.held, node.tokens[:1])
        drawn = push_controls(frozen, lens, change, [node.tokens[0], answer, *kind], count=ENOUGH_CONTROLS)
        rows += list(drawn.changes)
        sizes.append(len(drawn.changes))
    moved = change_of_lead(frozen, rows, answer, alternatives)[0].split(sizes)
    found = {
        index: (1 + int((values <= tested[index].effect).sum())) / (1 + len(values))
        for index, values in zip(which, moved, strict=True)
    }
    return tuple(one._replace(p=found.get(index, one.p)) for index, one in enumerate(tested))


def _exchanged(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    tested: tuple[TestedNode, ...],
    which: Sequence[int],
    answer: int,
    alternatives: Sequence[Alternative],
) -> tuple[TestedNode, ...]:
    """The same with `p` of the first that an exchange shows."""
    for index in which:
        node = tested[index].node
        p, partner = try_installing(frozen, lens, words, node, answer, alternatives, ENOUGH_CONTROLS)
        if p <= LEVEL:
            return tuple(one._replace(p=p, partner=partner) if one.node is node else one for one in tested)
    return tested


def _explored(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    tested: tuple[TestedNode, ...],
    which: Sequence[int],
    answer: int,
) -> tuple[TestedNode, ...]:
    """The same with `installs` of those that beat their pushes; nothing to choose between, nothing is run."""
    hops = [i for i in which if tested[i].p <= LEVEL and answer not in tested[i].node.tokens]
    if sum(tested[i].p <= LEVEL for i in which) < 2:
        return tested
    found = {i: share_that_install(frozen, lens, words, tested[i].node, answer) for i in hops}
    return tuple(one._replace(installs=found.get(i, 0.0)) for i, one in enumerate(tested))


def _main(
    tested: Sequence[TestedNode], values: Sequence[float], here: Sequence[int], answer: int
) -> int | None:
    """The tested concept that names best what is held.

    The answer itself only where it is read far above and no exchange of another brings another answer.
    """
    sure = [i for i in here if tested[i].p <= LEVEL]
    hops = [i for i in sure if answer not in tested[i].node.tokens]
    said = [i for i in sure if i not in hops]
    if not sure:
        return None
    main = max(hops or said, key=lambda i: values[i])
    if said and not tested[main].installs and max(values[i] for i in said) > values[main] + AT_ONCE:
        main = max(said, key=lambda i: values[i])
    return main


def _also(
    tested: Sequence[TestedNode], here: Sequence[int], path: Sequence[int], main: int, answer: int
) -> int | None:
    """Another name of what is held where the main concept is, without which much goes too; the best first."""
    chosen = tested[main]
    for index in (i for i in here if i not in path):
        one = tested[index]
        there = one.node.position == chosen.node.position and answer not in one.node.tokens
        counts = one.p <= LEVEL and one.effect <= AS_MUCH * chosen.effect
        if there and counts and surface(one.node.name)[:STEM] != surface(chosen.node.name)[:STEM]:
            return index
    return None


def _around(
    tested: Sequence[TestedNode], values: Sequence[float], main: int, answer: int
) -> tuple[int | None, int | None]:
    """What leads to the main concept from an earlier word, and what it leads to at a later one."""
    floor = MATTERS * tested[main].effect
    able = [
        i
        for i, one in enumerate(tested)
        if one.effect <= floor
        and one.node.role in NAMED
        and one.node.is_whole
        and answer not in one.node.tokens
    ]
    others = [i for i in able if tested[i].node.name != tested[main].node.name]
    before = [i for i in others if tested[i].knock_on[main] <= -CARRIED and _earlier(tested, i, main)]
    after = [i for i in others if tested[main].knock_on[i] <= -CARRIED and _earlier(tested, main, i)]
    return (
        max(before, key=lambda i: values[i], default=None),
        max(after, key=lambda i: values[i], default=None),
    )


def _earlier(tested: Sequence[TestedNode], one: int, other: int) -> bool:
    """Whether a node lies at an earlier word than another."""
    return tested[one].node.position < tested[other].node.position
