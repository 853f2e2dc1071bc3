"""Graph files as circuit-tracer writes them, small enough to know by heart."""

import json
import os
from pathlib import Path

from tracer import parse_graph
from tracer.graph_files.formats import pair

OURS = Path(__file__).parent / "golden" / "graphs"
GRAPHS = Path(os.environ.get("ASKCIRCUIT_GRAPHS", OURS))  # also files of others, that are not ours to give


def node(name, kind, layer, position, **known):
    number = known.pop("number", -1)
    js_id = f"{layer}_{number}-0"
    out = {"node_id": name, "feature": number, "layer": str(layer), "ctx_idx": position, "feature_type": kind}
    return {**out, "jsNodeId": js_id, "clerp": "", "influence": None, "activation": None, **known}


def feature(layer, index, position, **known):
    number = pair(layer, index)
    known = {"activation": 1.5, "influence": 0.5, **known}
    return node(
        f"{layer}_{index}_{position}", "cross layer transcoder", layer, position, number=number, **known
    )


def error(layer, position, name=""):
    return node(name or f"{layer}_-1_{position}", "mlp reconstruction error", layer, position, influence=0.7)


def token(vocab, position):
    return node(f"E_{vocab}_{position}", "embedding", "E", position, number=position, influence=0.6)


def logit(vocab, word, p, layer=5, position=2, target=False):
    label = f'Output "{word}" (p={p:.3f})'
    known = {"clerp": label, "token_prob": p, "is_target_logit": target}
    return node(f"{layer}_{vocab}_{position}", "logit", layer, position, number=vocab, **known)


def whole(nodes, links, **view):
    return {
        "metadata": {
            "slug": "capitals",
            "scan": "gemma-2-2b",
            "transcoder_list": [],
            "prompt_tokens": ["<bos>", " Texas", " is"],
            "prompt": "<bos> Texas is",
            "node_threshold": 0.8,
            "schema_version": 1,
        },
        "qParams": {
            "pinnedIds": [],
            "supernodes": [],
            "linkType": "both",
            "clickedId": "",
            "sg_pos": "",
            **view,
        },
        "nodes": nodes,
        "links": [{"source": s, "target": t, "weight": w} for s, t, w in links],
    }


def example(**view):
    """A file as circuit-tracer writes it: a model of 4 layers, two features on the way to Austin."""
    nodes = [
        feature(1, 7, 1),
        feature(3, 42, 2, clerp="say a capital"),
        error(0, 1),
        token(2, 0),
        token(11, 1),
        token(12, 2),
        logit(900, " Austin", 0.6, target=True),
        logit(901, " Dallas", 0.2),
    ]
    links = [
        ("E_11_1", "1_7_1", 4.0),
        ("E_2_0", "1_7_1", 9.0),
        ("0_-1_1", "1_7_1", -1.0),
        ("1_7_1", "3_42_2", 2.0),
        ("E_12_2", "3_42_2", -1.0),
        ("3_42_2", "5_900_2", 3.0),
        ("E_12_2", "5_900_2", 1.0),
        ("1_7_1", "5_901_2", -0.5),
    ]
    return whole(nodes, links, **view)


def read(data):
    return parse_graph(json.dumps(data).encode())
