"""Somebody's graph file as a drawing and a few sentences: what the page shows of it. Tests nothing."""

from typing import TYPE_CHECKING, Any

from agent.answers import BUNDLES, EDGES, ERRORS, FEATURES, hash_graph_id
from agent.core import show_token
from agent.graph_files.exchange import FileError, explain_graph
from agent.graph_files.own_file import read_own_drawing
from tracer import Flow, TracerError, flow_of, parse_graph

if TYPE_CHECKING:
    from tracer import FileNode


def view_graph(data: bytes, name: str = "the file") -> dict[str, Any]:
    """{"markdown", "title", "drawing"} of a graph file's content; raises AgentError with one sentence."""
    try:
        flow = flow_of(parse_graph(data, name))
    except TracerError as exc:
        raise FileError(str(exc)) from exc
    report = explain_graph(flow.graph)
    own, _ = read_own_drawing(flow.graph)
    graph_id = f"file:{flow.graph.scan}:{flow.graph.slug}:{flow.graph.prompt}"
    drawing = _Drawing(flow, report).plain() if own is None else own.plain()
    return {
        "markdown": report["answer"]["markdown"],
        "title": f"{report['source']['slug'] or name}: a graph file",
        "drawing": {**drawing, "graph_id": graph_id, "circuit": hash_graph_id(graph_id), "only_seen": True},
    }


class _Drawing:
    """One file on its way to the page; nodes keep the file's ids."""

    def __init__(self, flow: Flow, report: dict[str, Any]) -> None:
        self.flow, self.report, self.graph = flow, report, flow.graph
        self.labels = self.graph.all_labels()
        self.home = {
            member: f"S{i}" for i, group in enumerate(self.graph.groups, 1) for member in group.members
        }
        self.kind = {node.id: node.kind for node in self.graph.nodes}
        self.place = {node.id: node.position for node in self.graph.nodes}

    def plain(self) -> dict[str, Any]:
        """The drawing as `agent.answers.draw_circuit` makes it of a traced text."""
        answer = self.flow.answer
        kept = [*self.flow.top("feature")[:FEATURES], *self.flow.top("error")[:ERRORS], answer]
        nodes = [*(n for n in self.graph.nodes if n.kind in ("token", "bos", "bias")), *kept]
        ids = {node.id for node in nodes}
        links = [link for link in self.graph.links if link.source in ids and link.target in ids]
        links.sort(key=lambda link: (-abs(link.weight), link.source, link.target))
        question, scores = self.report["question"], self.report["graph"]
        whole = {"completeness": 0.0, "replacement": 0.0, "unexplored": 0.0, "kept_influence": 0.0, **scores}
        return {
            "text": self.graph.prompt,
            "tokens": self.report["tokens"],
            "n_layers": self.graph.layers,
            "target": {
                "answer": question["answer"] or "",
                "foil": question["foil"] or "",
                "value": self.report["predictions"][0]["p"] if self.report["predictions"] else 0.0,
                "unit": "probability",
            },
            "nodes": [self._node(node) for node in nodes],
            "edges": [link._asdict() for link in links[:EDGES]],
            "supernodes": self._boxes(),
            "superedges": self._bundles(answer.id),
            "strongest_path": [],
            "scores": {name: value if value is not None else 0.0 for name, value in whole.items()},
        }

    def _node(self, node: "FileNode") -> dict[str, Any]:
        effect = self.flow.direct(node.id)
        return {
            "id": node.id,
            "kind": node.kind,
            "layer": self.graph.layers if node.kind == "logit" else node.layer,
            "position": max(node.position, 0),
            "label": self._label(node),
            "activation": node.activation,
            "influence": round(self.flow.influence.get(node.id, 0.0), 6),
            "effect": round(effect, 6),
            "role": "middle" if node.kind == "feature" else None,
            "supernode": self.home.get(node.id),
        }

    def _label(self, node: "FileNode") -> str:
        if node.kind == "token":
            return show_token(self.report["tokens"][node.position])
        return self.labels[node.id] or self.graph.name(node)

    def _boxes(self) -> list[dict[str, Any]]:
        out = []
        for i, group in enumerate(self.graph.groups, 1):
            members = [n for n in self.graph.nodes if n.id in set(group.members) and n.kind == "feature"]
            if not members:
                continue
            share = sum(self.flow.influence.get(n.id, 0.0) for n in members)
            out.append(
                {
                    "id": f"S{i}",
                    "name": group.name,
                    "kind": "middle",
                    "sign": 1,
                    "share": round(share, 6),
                    "position": max(n.position for n in members),
                    "layers": [min(n.layer for n in members), max(n.layer for n in members)],
                    "members": [n.id for n in members],
                    "raises": [],
                    "lowers": [],
                    "predicted": None,
                    "measured": None,
                    "controls": None,
                    "p": None,
                    "verdict": None,
                }
            )
        return out

    def _bundles(self, answer: str) -> list[dict[str, Any]]:
        """Links between words, boxes and the answer, summed."""
        summed: dict[tuple[str, str], float] = {}
        for link in self.graph.links:
            source, target = self._end(link.source, answer), self._end(link.target, answer)
            if source and target and source != target and not target.startswith("T"):
                summed[source, target] = summed.get((source, target), 0.0) + link.weight
        strongest = sorted(summed.items(), key=lambda pair: (-abs(pair[1]), pair[0]))[:BUNDLES]
        return [{"source": s, "target": t, "weight": round(weight, 6)} for (s, t), weight in strongest]

    def _end(self, name: str, answer: str) -> str | None:
        if name == answer:
            return "LD"
        if self.kind[name] == "token":
            return f"T{self.place[name]}"
        return self.home.get(name) if self.kind[name] == "feature" else None
