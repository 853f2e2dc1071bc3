"""A traced text as a graph file that circuit-tracer and Neuronpedia read. Knows not what supernodes mean.

What those formats have no node for is written as the nearest they have: what the begin-of-text position holds
becomes an error node of its layer at position 0, the biases a node of type "bias", and answer - foil a logit
with the number after the last token's, as circuit-tracer numbers directions of its own.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from tracer.attribution import KINDS, NEURONS, TRANSCODERS, Graph, Kind
from tracer.graph_files.formats import (
    BIAS_TYPE,
    ERROR_TYPE,
    FEATURE_TYPE,
    LOGIT_TYPE,
    OWN,
    TOKEN_TYPE,
    FileGroup,
    FileLink,
    FileNode,
    GraphFile,
    error_id,
    feature_index,
    pair,
)
from tracer.models import name_parts
from tracer.study import TracedStudy

BIAS_ID = "E_bias_0"
INDEX = {  # what a feature's number in a file is
    NEURONS: "2 * neuron, plus 1 where the neuron is negative",
    TRANSCODERS: "the feature's number in its layer of the set",
}
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")  # some Neuronpedia versions take no dot either


def graph_file(
    traced: TracedStudy,
    *,
    groups: Sequence[tuple[str, Sequence[str]]] = (),
    labels: Mapping[str, str] | None = None,
    pinned: Sequence[str] = (),
    slug: str = "",
    scan: str = "",
    drawing: Mapping[str, Any] | None = None,
) -> GraphFile:
    """The pruned graph as a file; `groups` (name, members), `labels` and `pinned` go by the tracer's ids.

    `slug` names it and `scan` the model to others; both are made up from the text and the model if empty. Ids
    that pruning dropped are left out of groups and pins. `drawing` is kept as it is for those who open it.
    """
    graph, study = traced.graph, traced.study
    ids = study.frozen.ids.tolist()
    file_id = {graph.id_of(i): _id(graph, i, ids) for i in traced.kept}
    root = _root(traced)
    file_id["LD"] = root.id
    nodes = [*_nodes(traced, ids, labels or {}), root]
    answer, foil = study.subject.token_texts([traced.contrast.answer, traced.contrast.foil])
    own = {
        "format": 2,
        "basis": graph.basis,
        "index": INDEX[graph.basis],
        "model": study.subject.name,
        "bos": bool(graph.is_kind(Kind.BOS).any()),  # a begin token, or a first word that stands in for one
        "answer": answer,
        "foil": foil,
        "value": traced.contrast.value,
        "scores": {name: round(value, 6) for name, value in traced.scores._asdict().items()},
        "kept_influence": round(traced.pruned.kept_influence, 6),
        "layers": study.layers,
        **({"drawing": dict(drawing)} if drawing else {}),
    }
    return GraphFile(
        slug=slug or slug_of(study.text),
        scan=scan or UNSAFE.sub("-", study.subject.name.split("/")[-1]),
        prompt=study.text,
        tokens=tuple(name_parts(study.tokens)),
        nodes=tuple(nodes),
        links=tuple(_links(traced, file_id)),
        groups=tuple(
            FileGroup(name, kept)
            for name, members in groups
            if (kept := tuple(file_id[m] for m in members if m in file_id))
        ),
        pinned=tuple(dict.fromkeys(file_id[name] for name in pinned if name in file_id)),
        details={
            "transcoder_list": [study.set_name] if study.set_name else [],
            "node_threshold": 0.8,
            "schema_version": 1,
            "info": {"generator": {"name": "askcircuit", "version": _version()}},
            "generation_settings": {"max_n_logits": 1, "max_feature_nodes": graph.features},
            "pruning_settings": {"node_threshold": 0.8, "edge_threshold": 0.98},
            OWN: own,
        },
        view={"linkType": "both", "sg_pos": ""},
    )


def slug_of(text: str) -> str:
    """A name for a text's graph: its words, and a checksum to tell it from others."""
    words = UNSAFE.sub("-", text).strip("-").lower()[:40].rstrip("-") or "graph"
    return f"{words}-{zlib.crc32(text.encode(errors='replace')):08x}"


def _id(graph: Graph, source: int, ids: Sequence[int]) -> str:
    layer, position = int(graph.layer[source]), int(graph.position[source])
    match KINDS[int(graph.kind[source])]:
        case Kind.FEATURE:
            return f"{layer}_{_index(graph, source)}_{position}"
        case Kind.BIAS:
            return BIAS_ID
        case _ if layer < 0:
            return f"E_{ids[position]}_{position}"
        case _:
            return error_id(layer, position)


def _index(graph: Graph, source: int) -> int:
    if graph.basis != NEURONS:
        return int(graph.neuron[source])
    return feature_index(int(graph.neuron[source]), "+" if graph.activation[source] >= 0 else "-")


def _nodes(traced: TracedStudy, ids: Sequence[int], labels: Mapping[str, str]) -> list[FileNode]:
    graph, influence = traced.graph, traced.pruned.influence
    ordered, order = influence.sort(descending=True, stable=True)
    cumulative = torch.empty_like(influence)
    cumulative[order] = ordered.cumsum(0) / ordered.sum().clamp_min(1e-300)
    kinds = {Kind.FEATURE: "feature", Kind.ERROR: "error", Kind.TOKEN: "token", Kind.BIAS: "bias"}
    out = []
    for source in traced.kept:
        kind = KINDS[int(graph.kind[source])]
        layer, position = int(graph.layer[source]), max(int(graph.position[source]), 0)
        name = _id(graph, source, ids)
        js_id = name.rsplit("_", 1)[0] + f"-{position if layer < 0 else 0}"
        index = number = None
        if kind is Kind.FEATURE:
            index = _index(graph, source)
            written, number = FEATURE_TYPE, pair(layer, index)
        elif kind is Kind.BIAS:
            written, number = BIAS_TYPE, -1
        elif layer < 0:
            written, number = TOKEN_TYPE, position
        else:
            written, number, js_id = ERROR_TYPE, -1, f"{layer}_{position}-0"
        out.append(
            FileNode(
                id=name,
                kind=kinds.get(kind, "bos"),
                layer=layer,
                position=position,
                feature=index,
                label=labels.get(graph.id_of(source), "") or _label(kind, layer),
                activation=_exact(graph.activation[source]) if kind is Kind.FEATURE else None,
                influence=float(cumulative[source]),
                probability=0.0,
                target=False,
                place="E" if layer < 0 else str(layer),
                number=number,
                type=written,
                js_id=js_id,
            )
        )
    return out


def _label(kind: Kind, layer: int) -> str:
    if kind is Kind.BOS and layer >= 0:
        return "what the begin-of-text position holds"
    return "biases, or what stands before a long text's window" if kind is Kind.BIAS else ""


def _root(traced: TracedStudy) -> FileNode:
    study, contrast = traced.study, traced.contrast
    vocabulary, last = len(study.subject.unembedding), len(study.tokens) - 1
    answer, foil = study.subject.token_texts([contrast.answer, contrast.foil])
    p = study.probability(contrast.answer)
    return FileNode(
        id=f"{study.layers + 1}_{vocabulary}_{last}",
        kind="logit",
        layer=study.layers + 1,
        position=last,
        feature=None,
        label=f'Output "{answer}" - "{foil}" (p={p:.3f})',
        activation=None,
        influence=None,
        probability=p,
        target=True,
        place=str(study.layers + 1),
        number=vocabulary,
        type=LOGIT_TYPE,
        js_id=f"L_{vocabulary}-{last}",
    )


def _links(traced: TracedStudy, file_id: Mapping[str, str]) -> list[FileLink]:
    graph = traced.graph
    targets, sources = traced.pruned.edges.nonzero(as_tuple=True)
    weights = graph.edges[targets, sources]
    names = {i: file_id[graph.id_of(i)] for i in traced.kept}
    return [
        FileLink(names[source], names[target] if target < graph.features else file_id["LD"], _exact(weight))
        for target, source, weight in zip(targets.tolist(), sources.tolist(), weights, strict=True)
        if weight
    ]


def _exact(value: torch.Tensor) -> float:
    """Nine digits: enough to get every float32 back."""
    return float(f"{float(value):.9g}")


def _version() -> str:
    try:
        return version("askcircuit")
    except PackageNotFoundError:
        return "unknown"
