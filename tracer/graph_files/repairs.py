"""Nodes and links of a graph file put right where what is meant is clear, with a note of each repair."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tracer.errors import GraphError
from tracer.graph_files.schema import LooksModel, NodeModel

UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # what decoders put where bytes are no text
_PROBABILITY = re.compile(r"\(p=(\d+(?:\.\d+)?|\.\d+)\s*(%?)\)\s*$")


class FileNode(NamedTuple):
    """A node of a file."""

    id: str
    kind: str  # feature, error, token, bos, bias, logit, or other
    layer: int  # -1 for tokens
    position: int
    feature: int | None  # its index in the layer
    label: str
    activation: float | None
    influence: float | None  # cumulative, see above
    probability: float  # of a logit
    target: bool
    place: str  # the layer as it is written: "E" or a number
    number: int | None  # `feature` as it is written
    type: str
    js_id: str
    token: str = ""  # of a word or a logit, where the file tells it
    looks: LooksModel | None = None  # of an attention feature: what adds to its score


class FileLink(NamedTuple):
    """A direct effect: what the source adds to the target."""

    source: str
    target: str
    weight: float


def quoted(text: str) -> str:
    """What a file says between our quotes, on one line: “ and ” of its own become straight."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return f"“{plain.replace('“', chr(34)).replace('”', chr(34))}”"


def error_id(layer: int, position: int) -> str:
    """The id of an error node since circuit-tracer 0.5.1."""
    return f"{layer}_-1_{position}"


def untangle(
    nodes: list[FileNode], links: list[FileLink]
) -> tuple[list[FileNode], list[FileLink], list[str]]:
    """Give error nodes that share the id of a feature of layer 0 an id of their own.

    An error feeds only layers above its own. A link that could come from either counts as the error's, so
    that nothing is held for explained that may not be.
    """
    shared = {name for name, count in Counter(n.id for n in nodes).items() if count > 1}
    if not shared:
        return nodes, links, []
    errors: dict[str, FileNode] = {}
    for name in shared:
        both = sorted((n for n in nodes if n.id == name), key=lambda n: n.kind)
        old = both[0].kind == "error" and name == f"0_{both[0].layer}_{both[0].position}"
        if [n.kind for n in both] != ["error", "feature"] or not old:
            raise GraphError(
                f"Two nodes of the graph share the id {name!r}: their links cannot be told apart."
            )
        errors[name] = both[0]
    renamed = {name: error_id(node.layer, node.position) for name, node in errors.items()}
    if not renamed.keys().isdisjoint(renamed.values()) or {n.id for n in nodes} & set(renamed.values()):
        raise GraphError("Error nodes of the graph have ids of two kinds, which cannot be told apart.")
    nodes = [n._replace(id=renamed[n.id]) if n.kind == "error" and n.id in renamed else n for n in nodes]
    layer = {n.id: n.layer for n in nodes}
    twice = Counter((link.source, link.target) for link in links)
    seen: set[tuple[str, str]] = set()
    out, unclear = [], 0
    for link in links:
        key = link.source, link.target
        if link.source in renamed:
            below = layer.get(link.target, 0) <= errors[link.source].layer
            second = key in seen
            if second or (twice[key] == 1 and not below):
                out.append(link._replace(source=renamed[link.source]))
                unclear += not second
                seen.add(key)
                continue
        seen.add(key)
        out.append(link)
    note = f"{len(shared)} error nodes share an id with a feature of layer 0 (older circuit-tracers do that)"
    if unclear:
        return nodes, out, [f"{note}; {unclear} links that could be of either are counted as the error's."]
    return nodes, out, [f"{note}; they were told apart."]


def show_tokens(tokens: Sequence[str], prompt: str) -> list[str]:
    """The tokens as a reader knows them: parts of characters, which others write as �, by the text.

    Where tokens and text cannot be laid side by side they stay as they are.
    """
    out, at, place = list(tokens), 0, 0
    if tokens and not prompt.startswith(tokens[0]):
        place = 1  # a begin token that the text leaves out
    while place < len(tokens):
        end = place
        while end < len(tokens) and UNKNOWN in tokens[end]:
            end += 1
        if end == place:
            if not prompt.startswith(tokens[place], at):
                return list(tokens)
            at, place = at + len(tokens[place]), place + 1
            continue
        count = end - place
        upto = len(prompt) if end == len(tokens) else prompt.find(tokens[end], at + 1, at + 8 * count)
        missing = prompt[at:upto].strip()
        if upto < 0 or not missing or len(missing) > 4 * count:
            return list(tokens)
        named = (
            [f"{missing}, part {part + 1} of {count}" for part in range(count)] if count > 1 else [missing]
        )
        out[place:end] = [" " * prompt[at:upto].startswith(" ") + named[0], *named[1:]]
        at, place = upto, end
    return out


def told_probability(label: str) -> float:
    """What a logit’s label says of its probability, “Logit "Paris" (p=0.42)”; 0 where it says nothing."""
    told = _PROBABILITY.search(label)
    value = float(told[1]) / (100 if told[2] else 1) if told else 0.0
    return value if value <= 1 else 0.0


def join_links(links: list[FileLink], known: set[str], notes: list[str]) -> list[FileLink]:
    """Links between nodes that are there, each once; what was put right is added to the notes."""
    kept = [link for link in links if link.source in known and link.target in known]
    if lost := len(links) - len(kept):
        notes.append(f"Links that name nodes which the file does not hold: {lost}; they are left out.")
    found: dict[tuple[str, str], FileLink] = {}
    for link in kept:
        first = found.setdefault((link.source, link.target), link)
        if first.weight != link.weight:
            raise GraphError(
                f"The graph has two links from {link.source!r} to {link.target!r} of different weights; one "
                "was expected."
            )
    if again := len(kept) - len(found):
        notes.append(f"Links that the file repeats: {again}; each counts once.")
    return list(found.values())


def name_what_is_left(written: Sequence[NodeModel], nodes: Sequence[FileNode]) -> list[str]:
    """What of the nodes has no place in the answer."""
    notes = []
    if other := Counter(node.type for node in nodes if node.kind == "other"):
        types = ", ".join(quoted(name) for name in sorted(other)[:3])
        notes.append(f"Nodes of types not known here ({types}): {other.total()}; they are no features.")
    if unread := sum(node.qk_tracing_results.unreadable for node in written):
        notes.append(
            f"Nodes whose qk_tracing_results (why a head looks where it does) cannot be read: {unread}; the "
            "results are left out."
        )
    return notes


def counts_layers_twice(written: Sequence[NodeModel]) -> bool:
    """Whether attention and MLPs are layers of their own: even ones and odd ones.

    So Language-Model-SAEs writes its own files; Neuronpedia's name attention features in their ids instead.
    """
    features = [
        n for n in written if n.layer != "E" and n.feature_type in ("lorsa", "cross layer transcoder")
    ]
    heads = [n for n in features if n.feature_type == "lorsa"]
    if not heads or any("_lor_" in n.node_id for n in heads):
        return False
    ends = [n for n in written if n.feature_type == "logit" and n.layer != "E"]
    return all(int(n.layer) % 2 == (n.feature_type != "lorsa") for n in features) and all(
        int(n.layer) % 2 == 0 for n in ends
    )
