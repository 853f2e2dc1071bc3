"""Find what concepts a text makes the model hold: which, at which word, behind which blocks, how strongly.

At each (layer, position) the lens is read; tokens stay whose rank and score stand out against what the lens
reads there for other texts. Spellings are merged into families, layers into runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, is_telling, stand_alone
from tracer.concepts.naming import name_values
from tracer.concepts.nodes import NAMED, PIECE, ConceptNode, Role
from tracer.concepts.table import read_table
from tracer.concepts.weigh import weigh
from tracer.concepts.words import Words, word_places
from tracer.lens import Lens, check_fits, families, surface

SPELLINGS = 3  # of a concept that its name is chosen from
RANK = 16  # words that may be named at each place and layer
SCORE = 2.0  # standard deviations above what is read there for other texts
MOST_HERE = 16  # concept nodes at one position
STEM, ENDING = 5, 1  # letters that spellings of one word share, and in which its end may differ
GAP = 1  # layers read in between that a run may miss


@dataclass(frozen=True, slots=True)
class _Seen:
    """One token read at one place."""

    token: int
    layer: int
    position: int
    rank: int
    score: float


def find_concepts(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    *,
    answer: int | None = None,
    layers: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    most: int = 24,
) -> tuple[ConceptNode, ...]:
    """The concept nodes of a text, at most so many, and MOST_HERE a position.

    Those that should do most to the answer, and those that name best what a word holds; without an answer,
    those that stand out most. The strongest come first.
    `layers` are those that are read (every second one by default: a run bridges the gap), `positions` the
    last and those of words that mean something. Raises LensError where the lens does not fit the model.
    """
    check_fits(lens, frozen.subject)
    last = len(frozen.layers) - 1
    chosen = [layer for layer in (range(1, last, 2) if layers is None else layers) if layer in lens.layers]
    places = list(_telling(frozen) if positions is None else positions)
    seen = _read(frozen, lens, words, chosen, places)
    nodes: list[ConceptNode] = []
    for position in places:
        here = [one for one in seen if one.position == position]
        found = sorted(_nodes(frozen, position, here, chosen, answer), key=_order)
        own = [node for node in found if node.role == "word"][:1]
        nodes += own + [node for node in found if node.role != "word"][:MOST_HERE]
    return _name_whole(frozen, _strongest(frozen, weigh(frozen, lens, nodes, answer), answer, most), answer)


def read_concept(
    frozen: Frozen, lens: Lens, words: Words, name: str, positions: Sequence[int], answer: int | None = None
) -> ConceptNode | None:
    """The concept of this name at the first of the positions where it is among the words that are read.

    However little it stands out there; over the run of layers that holds its best reading. None where it is
    not read at any of them.
    """
    layers = list(lens.layers)
    seen = _read(frozen, lens, words, layers, list(positions), least=-math.inf)
    texts = frozen.subject.token_texts([one.token for one in seen])
    named = [one for one, text in zip(seen, texts, strict=True) if surface(text) == surface(name)]
    if not named:
        return None
    position = min(one.position for one in named)
    here = [one for one in named if one.position == position]
    best = min(here, key=lambda one: (one.rank, -one.score))
    run = next(run for run in _runs([one.layer for one in here], layers) if best.layer in run)
    node = _node(frozen, name, position, [one for one in here if one.layer in run], answer)
    if _spelled_as(frozen, node.tokens, answer):
        node = _with_answer(frozen, node, answer)
    return _name_whole(frozen, weigh(frozen, lens, [node], None), answer)[0]


def _strongest(
    frozen: Frozen, weighed: Sequence[ConceptNode], answer: int | None, most: int
) -> list[ConceptNode]:
    """Half are those that should do most to the answer, half those that name best what is held at a word."""
    if answer is None or len(weighed) <= most:
        return list(weighed[:most])
    values = name_values(frozen, weighed, answer)
    able = [i for i, node in enumerate(weighed) if node.role in NAMED]
    named = sorted(able, key=lambda i: -values[i])
    kept = dict.fromkeys([*range(most - most // 2), *named, *range(len(weighed))])
    return [weighed[i] for i in sorted(list(kept)[:most])]


def _name_whole(frozen: Frozen, nodes: Sequence[ConceptNode], answer: int | None) -> tuple[ConceptNode, ...]:
    """Nodes named by a spelling that is a whole word to the model; by a beginning and … where none is.

    The answer is named as it is said.

    What is changed stays their first token.
    """
    subject, out = frozen.subject, []
    for node, whole in zip(nodes, _whole_spellings(frozen, nodes), strict=True):
        known = [] if whole is None else [whole]
        if answer is not None and answer in node.tokens:
            known = [answer]
        text = subject.token_texts(known[:1] or node.tokens[:1])[0].strip()
        out.append(node._replace(name=text if known else f"{text}{PIECE}"))
    return tuple(out)


def _whole_spellings(frozen: Frozen, nodes: Sequence[ConceptNode]) -> list[int | None]:
    """The first spelling of each node that is a whole word; the next is looked at where one is not."""
    found: dict[int, int] = {}
    for number in range(SPELLINGS):
        rest = [i for i, node in enumerate(nodes) if i not in found and number < len(node.tokens)]
        asked = [nodes[i].tokens[number] for i in rest]
        answers = zip(rest, asked, stand_alone(frozen.subject, asked), strict=True)
        found |= {i: token for i, token, is_whole in answers if is_whole}
    return [found.get(i) for i in range(len(nodes))]


def _telling(frozen: Frozen) -> list[int]:
    """The last position, and all but function words and signs: what is read at those rarely matters."""
    last = frozen.length - 1
    return [index for index in word_places(frozen) if index == last or is_telling(frozen.tokens[index])]


def _order(node: ConceptNode) -> tuple[int, float]:
    return node.rank, -node.strength


def _read(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    layers: Sequence[int],
    positions: Sequence[int],
    least: float = SCORE,
) -> list[_Seen]:
    """The words that stand out at each place."""
    table = read_table(frozen, lens, words, layers=layers, positions=positions, k=RANK)
    tokens, scores = table.tokens.tolist(), table.score.nan_to_num(SCORE).tolist()
    return [
        _Seen(token, layer, position, rank, score)
        for row, layer in enumerate(layers)
        for column, position in enumerate(positions)
        for rank, (token, score) in enumerate(zip(tokens[row][column], scores[row][column], strict=True))
        if score >= least
    ]


def _nodes(
    frozen: Frozen, position: int, seen: Sequence[_Seen], layers: Sequence[int], answer: int | None
) -> list[ConceptNode]:
    """Families and runs of what was read at one position; the answer stands alone, in any spelling."""
    ordered = list(dict.fromkeys(one.token for one in sorted(seen, key=lambda one: (one.rank, -one.score))))
    own = _spelled_as(frozen, ordered, answer)
    apart = [token for token in ordered if token not in own]
    groups = [(family.name, family.tokens) for family in families(frozen.subject, apart)]
    if answer is not None and own:
        groups.append((frozen.subject.token_texts([answer])[0].strip(), tuple(own)))
    nodes = []
    for name, tokens in groups:
        read = [one for one in seen if one.token in tokens]
        for run in _runs([one.layer for one in read], layers):
            within = [one for one in read if one.layer in run]
            node = _node(frozen, name, position, within, answer)
            nodes.append(_with_answer(frozen, node, answer) if tokens == tuple(own) else node)
    return nodes


def _with_answer(frozen: Frozen, node: ConceptNode, answer: int | None) -> ConceptNode:
    """The node of the answer's spellings: the answer comes first where it is read there, else last.

    At the last word it is what is said, in whatever spelling, and no concept on the way.
    """
    if answer is None:
        return node
    others = tuple(token for token in node.tokens if token != answer)
    role: Role = "answer" if node.position == frozen.length - 1 else node.role
    return node._replace(tokens=(answer, *others) if answer in node.tokens else (*others, answer), role=role)


def _spelled_as(frozen: Frozen, tokens: Sequence[int], answer: int | None) -> list[int]:
    """The tokens that are the answer in another spelling ("Basketball" for "basketball") or its plural.

    Of a function word its longer forms too ("weren" for "were"): they say no more than it does.
    """
    if answer is None:
        return []
    said = frozen.subject.token_texts([answer])[0]
    spelled, loose = surface(said), not is_content(said)
    texts = map(surface, frozen.subject.token_texts(list(tokens)))
    pairs = zip(tokens, texts, strict=True)
    forms = {spelled, f"{spelled}s", f"{spelled}es", *(spelled.removesuffix(end) for end in ("s", "es"))}
    return [
        t
        for t, text in pairs
        if text == spelled or (text and text in forms) or (loose and spelled and text.startswith(spelled))
    ]


def _node(frozen: Frozen, name: str, position: int, seen: Sequence[_Seen], answer: int | None) -> ConceptNode:
    ordered = sorted(seen, key=lambda one: (one.rank, -one.score))
    tokens = tuple(sorted({one.token for one in ordered}))  # a vocabulary begins with the commonest
    return ConceptNode(
        name=name,
        tokens=tokens,
        position=position,
        first=min(one.layer for one in seen),
        last=max(one.layer for one in seen),
        best_layer=ordered[0].layer,
        strength=max(one.score for one in seen),
        rank=ordered[0].rank,
        role=_role(frozen, tokens, position, answer),
    )


def _runs(held: Sequence[int], layers: Sequence[int]) -> list[set[int]]:
    """Layers that follow each other among those read, gaps of GAP bridged."""
    order = {layer: index for index, layer in enumerate(sorted(layers))}
    runs: list[set[int]] = []
    for layer in sorted(set(held)):
        if runs and order[layer] - order[max(runs[-1])] <= GAP + 1:
            runs[-1].add(layer)
        else:
            runs.append({layer})
    return runs


def _role(frozen: Frozen, tokens: Sequence[int], position: int, answer: int | None) -> Role:
    if answer is not None and answer in tokens and position == frozen.length - 1:
        return "answer"
    spelled = [surface(text) for text in frozen.subject.token_texts(list(tokens))]
    words = [surface(word) for word in words_around(frozen, position)]
    if any(_one_word(word, s) for s in spelled for word in words):
        return "word"
    if position and surface(frozen.tokens[position - 1]) in spelled:  # "Marie" at "Curie": of the same name
        return "word"
    before = {surface(text) for text in frozen.tokens[:position] if len(surface(text)) > 2}
    return "said before" if before & set(spelled) else "concept"


def _one_word(word: str, other: str) -> bool:
    """Whether one spelling continues the other, or differs in its ending ("country", "countries")."""
    if not word or not other:
        return False
    least = min(len(word), len(other))
    shared = next((i for i in range(least) if word[i] != other[i]), least)
    return shared == least or shared >= max(STEM, len(word) - ENDING)


def words_around(frozen: Frozen, position: int) -> tuple[str, str]:
    """The token at a position, and the whole word that ends there as far as it has come."""
    start = position
    while start > int(frozen.bos) and not frozen.tokens[start][:1].isspace():
        start -= 1
    return frozen.tokens[position], "".join(frozen.tokens[start : position + 1])
