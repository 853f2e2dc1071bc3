"""Attribution graphs as files: circuit-tracer's JSON and Neuronpedia's, read with distrust and written back.

Knows no model. What the files say and what it means here:
- `feature` of a feature node pairs layer and index (Cantor); a neuron's index is 2 * neuron, plus 1 where it
  is negative on the text, so layer, neuron and sign come back (`metadata.askcircuit.basis` says so).
- `influence` of a node is not its influence: it is the share that all nodes down to it hold together,
  strongest first. Small means important; logits have none.
- An error node's id is {layer}_-1_{position}; up to circuit-tracer 0.5.0 it was 0_{layer}_{position}, which
  can also be a feature of layer 0. Both are read (and told apart where that can be done), both are written.
"""

import json
import math
import os
import re
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from tracer.errors import GraphError
from tracer.feature_ids import name_feature
from tracer.graph_files.repairs import (
    FileLink as FileLink,
    FileNode as FileNode,
    counts_layers_twice,
    error_id as error_id,
    join_links,
    name_what_is_left,
    quoted,
    show_tokens,
    told_probability,
    untangle,
)
from tracer.graph_files.schema import MAX_LAYERS, LooksModel, NodeModel, ViewModel, read_bytes, validated
from tracer.models import name_parts

FEATURE_TYPE = "cross layer transcoder"  # what the viewers call any feature
ERROR_TYPE, TOKEN_TYPE, LOGIT_TYPE, BIAS_TYPE = "mlp reconstruction error", "embedding", "logit", "bias"
OWN = "askcircuit"  # our part of the metadata
_FEATURE_ID = re.compile(r"(\d{1,6})_(?:[a-z]{1,20}_)?(\d{1,18})_\d+")
_FEATURES = ("transcoder", "feature", "lorsa", "attention", "attn", "sae", "clt", "crosscoder", "neuron")
_OF_HEADS = ("lorsa", "attention", "attn")  # features of what attention writes
_NO_LABEL = re.compile(r"F\d+")  # a feature's number in the place of its label


class FileGroup(NamedTuple):
    """A supernode: a name, and ids of nodes."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A graph as a file holds it: links join nodes that are there, in no circle; all numbers are finite."""

    slug: str
    scan: str
    prompt: str
    tokens: tuple[str, ...]
    nodes: tuple[FileNode, ...]
    links: tuple[FileLink, ...]
    groups: tuple[FileGroup, ...] = ()
    pinned: tuple[str, ...] = ()
    clicked: str = ""
    labels: tuple[tuple[str, str], ...] = ()  # typed by hand: (node id or feature number, label)
    details: dict[str, Any] = field(default_factory=dict)  # the rest of the metadata
    view: dict[str, Any] = field(default_factory=dict)  # the rest of the front end's state
    notes: tuple[str, ...] = ()  # what was put right while reading
    aside: tuple[FileNode, ...] = ()  # named by heads' scores only: not in the graph

    @property
    def layers(self) -> int:
        """How many layers the model has.

        A logit stands one layer above the one after the last, but in graphs with attention features on the
        one after the last.
        """
        above = 0 if any(is_of_head(n) for n in self.nodes) else 1
        inner = [n.layer + 1 for n in self.nodes if n.kind != "logit"]
        told = self.own.get("layers")
        if isinstance(told, int) and max(inner, default=0) <= told <= MAX_LAYERS:
            return told
        return max([0, *inner, *(n.layer - above for n in self.nodes if n.kind == "logit")])

    @property
    def shown_tokens(self) -> list[str]:
        """The tokens as a reader knows them, parts of characters by the text."""
        return show_tokens(name_parts(self.tokens), self.prompt)

    @property
    def own(self) -> dict[str, Any]:
        """What askcircuit noted in the metadata; empty for files of others."""
        own = self.details.get(OWN)
        return own if isinstance(own, dict) else {}

    @property
    def neurons(self) -> bool:
        """Whether the features are neurons, written as this module does."""
        return self.own.get("basis") == "neurons"

    def name(self, node: FileNode) -> str:
        """A node's id as askcircuit writes it: L11.N1234+@5 for neurons, L11.F1234@5 or (of attention) .A.

        In files of our own also T@5, E11@5, BOS11, B and LD; other nodes of files of others keep their ids.
        """
        if self.own and node.kind not in ("feature", "other"):
            return _own_name(node)
        if node.kind != "feature" or node.feature is None:
            return node.id
        if self.neurons:
            return name_feature(node.layer, *neuron_of(node.feature), node.position)
        if is_of_head(node):
            return f"L{node.layer}.A{node.feature}@{node.position}"
        return name_feature(node.layer, node.feature, "", node.position)

    def all_labels(self) -> dict[str, str]:
        """Each node's label; one typed by hand beats the one that came with the node."""
        typed, every = dict(self.labels), (*self.nodes, *self.aside)
        of_feature = {n.id: typed.get(str(n.number)) for n in every if n.kind == "feature"}
        own = {n.id: "" if n.kind == "feature" and _NO_LABEL.fullmatch(n.label) else n.label for n in every}
        return {name: typed.get(name) or of_feature.get(name) or label for name, label in own.items()}


def _own_name(node: FileNode) -> str:
    at = f"@{node.position}"
    match node.kind:
        case "token":
            return f"T{at}"
        case "error":
            return f"E{node.layer}{at}"
        case "bos":
            return f"BOS{node.layer}{at if node.position else ''}" if node.layer >= 0 else "BOS"
        case "bias":
            return "B"
        case _:
            return "LD"


def is_of_head(node: FileNode) -> bool:
    """Whether it is a feature of what attention writes."""
    return node.kind == "feature" and any(word in node.type.lower() for word in _OF_HEADS)


def feature_index(neuron: int, sign: str) -> int:
    """A signed neuron as the index of a feature in its layer."""
    return 2 * neuron + (sign == "-")


def neuron_of(index: int) -> tuple[int, str]:
    """The neuron and sign of such an index."""
    return index // 2, "-" if index % 2 else "+"


def pair(layer: int, index: int) -> int:
    """Cantor's number of a layer and an index, exact for any size."""
    return (layer + index) * (layer + index + 1) // 2 + index


def unpair(number: int) -> tuple[int, int]:
    """The layer and index of a Cantor number."""
    diagonal = (math.isqrt(8 * number + 1) - 1) // 2
    index = number - diagonal * (diagonal + 1) // 2
    return diagonal - index, index


def read_graph_file(path: Path) -> GraphFile:
    """The graph of a JSON file; raises GraphError with one sentence when it cannot be used."""
    return parse_graph(read_bytes(path), path.name)


def parse_graph(data: bytes, name: str = "the file") -> GraphFile:
    """The graph in these bytes; raises GraphError with one sentence when it cannot be used."""
    model = validated(data, name)
    # null is "not there": Neuronpedia's schema takes no null where circuit-tracer writes one
    details = {key: value for key, value in (model.metadata.model_extra or {}).items() if value is not None}
    view = dict(model.qParams.model_extra or {})
    _refuse_infinite(details, view, name)
    own = details.get(OWN)
    bos = isinstance(own, dict) and own.get("bos") is True
    twice = counts_layers_twice(model.nodes)
    nodes = [_node(node, bos, twice) for node in model.nodes]
    for node in nodes:
        if node.position >= len(model.metadata.prompt_tokens):
            raise GraphError(
                f"{name!r} is not a graph that can be used: the node {node.id!r} is at position "
                f"{node.position}, but there are {len(model.metadata.prompt_tokens)} tokens."
            )
    links = [FileLink(link.source, link.target, link.weight) for link in model.links]
    nodes, links, notes = untangle(nodes, links)
    aside = [_node(node, bos, twice) for node in model.qk_only_nodes.values()]
    beside = tuple(node for node in aside if node.position < len(model.metadata.prompt_tokens))
    if len(beside) < len(aside):
        notes.append(
            f"Nodes that only heads' scores name, behind the end of the text: {len(aside) - len(beside)}."
        )
    known = {node.id for node in nodes}
    links = join_links(links, known, notes)
    notes += name_what_is_left(model.nodes, nodes)
    if twice:
        notes.append("The file counts attention and MLPs as layers of their own; here they are the model's.")
    given = model.metadata.slug or re.sub(r"[^\w-]+", "-", name.removesuffix(".json")).strip("-") or "graph"
    slug = re.sub(r"[/\\:]", "-", given)
    if slug != given:
        notes.append(f"The graph is called {quoted(slug)} here: its slug {quoted(given)} could name no file.")
    groups, pinned, lost = _view(model.qParams, known)
    if lost:
        notes.append(f"Nodes that pins and supernodes name but the file does not hold: {lost}; left out.")
    graph = GraphFile(
        slug=slug,
        scan=model.metadata.scan,
        prompt="".join(model.metadata.prompt_tokens)
        if model.metadata.prompt is None
        else model.metadata.prompt,
        tokens=tuple(model.metadata.prompt_tokens),
        nodes=tuple(nodes),
        links=tuple(links),
        groups=groups,
        pinned=pinned,
        clicked=model.qParams.clickedId,
        labels=tuple((key, label) for key, label in model.qParams.clerps),
        details=details,
        view=view,
        notes=tuple(notes),
        aside=beside,
    )
    downward(graph)
    return graph


def _refuse_infinite(details: dict[str, Any], view: dict[str, Any], name: str) -> None:
    """What is kept as it stands must be JSON that others can read."""
    try:
        json.dumps((details, view), allow_nan=False)
    except (ValueError, RecursionError) as exc:
        raise GraphError(f"The metadata of {name!r} hold a number that is not finite.") from exc


def _node(node: NodeModel, bos: bool, twice: bool) -> FileNode:
    layer = written = -1 if node.layer == "E" else int(node.layer)
    if twice and layer > 0:
        layer //= 2
    kind = _kind(node.feature_type.lower())
    if bos and kind in {"token", "error"} and node.ctx_idx == 0:
        kind = "bos"
    return FileNode(
        id=node.node_id,
        kind=kind,
        layer=layer,
        position=max(node.ctx_idx, 0),
        feature=_index(node, written) if kind == "feature" else None,
        label=node.clerp,
        activation=node.activation,
        influence=node.influence,
        probability=node.token_prob or (told_probability(node.clerp) if kind == "logit" else 0.0),
        target=node.is_target_logit,
        place=node.layer,
        number=node.feature,
        type=node.feature_type,
        js_id=node.jsNodeId,
        token=node.token,
        looks=_looks(node.qk_tracing_results),
    )


def _looks(written: LooksModel) -> LooksModel | None:
    """What a file says of why a head looks somewhere; None where that is nothing that can be read."""
    return None if written.unreadable or written == LooksModel() else written


def _kind(written: str) -> str:
    if "error" in written:  # also of attention features ("lorsa error")
        return "error"
    known = {LOGIT_TYPE: "logit", TOKEN_TYPE: "token", BIAS_TYPE: "bias"}.get(written)
    return known or ("feature" if any(word in written for word in _FEATURES) else "other")


def _index(node: NodeModel, layer: int) -> int | None:
    """A feature's index: from its id; else from its number, paired or (older files) layer and five digits."""
    found = _FEATURE_ID.fullmatch(node.node_id)
    if found and int(found[1]) == layer:
        return int(found[2])
    if node.feature is None or node.feature < 0:
        return None
    paired = unpair(node.feature)
    if paired[0] == layer:
        return paired[1]
    return node.feature - layer * 100_000 if node.feature // 100_000 == layer else node.feature


def _view(view: ViewModel, known: set[str]) -> tuple[tuple[FileGroup, ...], tuple[str, ...], int]:
    groups = [FileGroup(name, tuple(m for m in members if m in known)) for name, *members in view.supernodes]
    pinned = tuple(name for name in view.pinnedIds if name in known)
    lost = {m for _, *members in view.supernodes for m in members} | set(view.pinnedIds)
    return tuple(group for group in groups if group.members), pinned, len(lost - known)


def downward(graph: GraphFile) -> list[str]:
    """Node ids so that every node comes after all it feeds; raises GraphError when links run in a circle."""
    feeds = Counter(link.source for link in graph.links)
    sources = defaultdict(list)
    for link in graph.links:
        sources[link.target].append(link.source)
    order = [node.id for node in graph.nodes if not feeds[node.id]]
    for name in order:  # grows while it is walked
        for source in sources[name]:
            feeds[source] -= 1
            if not feeds[source]:
                order.append(source)
    if len(order) < len(graph.nodes):
        stuck = next(node.id for node in graph.nodes if feeds[node.id])
        raise GraphError(
            f"The links of the graph run in a circle, which no text can do (see node {stuck!r})."
        )
    return order


def with_error_ids(graph: GraphFile, old: bool) -> GraphFile:
    """The same graph with error ids as circuit-tracer up to 0.5.0 wrote them, or as later ones do."""
    new = {
        n.id: f"0_{n.layer}_{n.position}" if old else error_id(n.layer, n.position)
        for n in graph.nodes
        if n.type == ERROR_TYPE
    }
    nodes = tuple(n._replace(id=new.get(n.id, n.id)) for n in graph.nodes)
    shared = [name for name, count in Counter(n.id for n in nodes).items() if count > 1]
    if shared:
        raise GraphError(f"With such ids two nodes would be called {shared[0]!r}. Write the newer ones.")
    return replace(
        graph,
        nodes=nodes,
        links=tuple(FileLink(new.get(s, s), new.get(t, t), weight) for s, t, weight in graph.links),
        groups=tuple(FileGroup(g.name, tuple(new.get(m, m) for m in g.members)) for g in graph.groups),
        pinned=tuple(new.get(name, name) for name in graph.pinned),
        clicked=new.get(graph.clicked, graph.clicked),
        labels=tuple((new.get(key, key), label) for key, label in graph.labels),
    )


def as_json(graph: GraphFile) -> bytes:
    """The file, the same bytes for the same graph."""
    groups = [[group.name, *group.members] for group in graph.groups]
    view = {**graph.view, "pinnedIds": graph.pinned, "supernodes": groups, "clickedId": graph.clicked}
    if graph.labels:  # the viewers parse this one again
        view["clerps"] = json.dumps(graph.labels, ensure_ascii=False)
    head = {"slug": graph.slug, "scan": graph.scan, "prompt_tokens": graph.tokens, "prompt": graph.prompt}
    whole: dict[str, Any] = {
        "metadata": {**graph.details, **head},
        "qParams": view,
        "nodes": [_written(node) for node in graph.nodes],
        "links": [link._asdict() for link in graph.links],
    }
    if graph.aside:
        whole["qk_only_nodes"] = {node.id: _written(node) for node in graph.aside}
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _written(node: FileNode) -> dict[str, Any]:
    return {
        "node_id": node.id,
        "feature": node.number,
        "layer": node.place,
        "ctx_idx": node.position,
        "feature_type": node.type,
        "token_prob": node.probability,
        "is_target_logit": node.target,
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": node.js_id,
        "clerp": node.label,
        "influence": node.influence,
        "activation": node.activation,
        **({"token": node.token} if node.token else {}),
        **({"qk_tracing_results": node.looks.model_dump()} if node.looks else {}),
    }


def write_graph_file(graph: GraphFile, path: Path) -> None:
    """Write the file whole or not at all; raises GraphError when it cannot be."""
    half = path.with_name(f".{path.name[:50]}.{os.getpid()}.part")
    try:
        half.write_bytes(as_json(graph))
        half.replace(path)
    except (OSError, ValueError) as exc:
        with suppress(OSError, ValueError):
            half.unlink()
        why = getattr(exc, "strerror", None) or "that is no name of a file"
        raise GraphError(f"The graph cannot be written to {str(path)!r}: {why}.") from exc
