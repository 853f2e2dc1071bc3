"""A graph file that askcircuit wrote, told with the numbers it left with. Tests nothing, and says so.

The format has no place for signs, roles, groups' shares and the lead, so the drawing is kept in our part of
the metadata. It is believed only where it agrees with the nodes, links and groups of the file.
"""

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agent.answers import Box, Drawing
from agent.core import join_words, percent, quote_token_at, round_reported, show_change, show_size
from agent.graph_files.file_sentences import FileSentences, quote_end, quote_text

if TYPE_CHECKING:
    from tracer import GraphFile

FEATURES, SAID, GROUPS, WORDS = 20, 5, 6, 3
NEAR = 1e-6  # numbers of a drawing have six decimals
CHANGED = (
    "The file was changed after askcircuit wrote it: what follows is computed from its links, not as it was."
)


def read_own_drawing(graph: "GraphFile") -> tuple[Drawing | None, tuple[str, ...]]:
    """The drawing a file of our own was written with; None where there is none, with a note if it lies."""
    kept = graph.own.get("drawing")
    if kept is None:
        return None, ()
    try:
        drawing = Drawing.model_validate(kept)
    except (ValidationError, RecursionError):
        return None, (CHANGED,)
    return (drawing, ()) if _agrees(drawing, graph) else (None, (CHANGED,))


def _agrees(drawing: Drawing, graph: "GraphFile") -> bool:
    """Whether each node, link and group that is drawn is the file's."""
    nodes = {graph.name(node): node for node in graph.nodes}
    named = {node.id: graph.name(node) for node in graph.nodes}
    weights = {(named[s], named[t]): weight for s, t, weight in graph.links}
    if drawing.text != graph.prompt or drawing.tokens != list(graph.tokens):
        return False
    for drawn in drawing.nodes:
        node = nodes.get(drawn.id)
        if node is None or node.kind != drawn.kind or node.position != drawn.position:
            return False
        if drawn.kind == "feature" and not _near(drawn.activation or 0.0, node.activation or 0.0):
            return False
    if not all(_near(e.weight, weights.get((e.source, e.target), float("inf"))) for e in drawing.edges):
        return False
    ends = {"LD", *(box.id for box in drawing.supernodes), *(f"T{at}" for at in range(len(graph.tokens)))}
    if not ends.issuperset(drawing.strongest_path):
        return False
    groups = [(group.name, [named[m] for m in group.members]) for group in graph.groups]
    return groups == [(box.name, [m for m in box.members if m in nodes]) for box in drawing.supernodes]


def _near(drawn: float, written: float) -> bool:
    return abs(drawn - written) <= NEAR * max(1.0, abs(written))


def explain_own(graph: "GraphFile", drawing: Drawing) -> dict[str, Any]:
    """The report of a file of our own."""
    return _OwnAnswer(graph, drawing).report()


class _OwnAnswer:
    """One file being told."""

    def __init__(self, graph: "GraphFile", drawing: Drawing) -> None:
        self.graph, self.drawing = graph, drawing
        self.told = FileSentences(graph)
        self.labels = {graph.name(n): label for n in graph.nodes if (label := graph.all_labels()[n.id])}
        self.boxes = {box.id: box for box in drawing.supernodes}
        features = [n for n in drawing.nodes if n.kind == "feature"]
        self.features = sorted(features, key=lambda n: (-n.influence, n.id))
        self.p = max((n.probability for n in graph.nodes if n.kind == "logit"), default=0.0)

    def report(self) -> dict[str, Any]:
        """Everything, after the ledger's check."""
        target, scores = self.drawing.target, self.drawing.scores
        self.told.say_origin()
        lead = show_change(target.value)
        self.told.say(
            "What it explains.",
            f"After {quote_end(self.graph.prompt)} the file explains {quote_text(target.answer)} "
            f"({percent(self.p)}) rather than {quote_text(target.foil)}: its lead is {lead}.",
            [self.p, target.value],
            kind="prediction",
        )
        self._say_words()
        self._say_path()
        top = self.features[:SAID]
        if top:
            text = f"The most important features are {join_words([self._feature(n.id) for n in top])}."
            self.told.say("Why.", text, [], members=[n.id for n in top])
        self._say_groups()
        nodes, edges = float(len(self.graph.nodes)), float(len(self.graph.links))
        shares = [float(scores[name]) for name in ("completeness", "replacement")]
        self.told.say(
            "How complete.",
            f"The file holds {nodes:.0f} nodes and {edges:.0f} links. Of the whole graph: completeness "
            f"{show_size(shares[0])}, replacement {show_size(shares[1])}.",
            [nodes, edges, *shares],
        )
        self.told.say_how_to_test()
        path = self.drawing.strongest_path
        return self.told.report(
            list(self.boxes),
            predictions=[{"token": target.answer, "p": round_reported(self.p)}],
            question={
                **{
                    "asked": None,
                    "answer": target.answer,
                    "foil": target.foil,
                    "premise": "true",
                    "note": "",
                },
                "lead": target.value,
            },
            graph={"layers": self.drawing.n_layers, "completeness_peer": None, **scores},
            features=[self._member(node.id) for node in self.features[:FEATURES]],
            looks=[],
            supernodes=[self._group(box) for box in self.drawing.supernodes],
            path=list(path),
            path_words=[self._word(end) for end in path],
        )

    def _say_words(self) -> None:
        words = [n for n in self.drawing.nodes if n.kind == "token"]
        whole = sum(n.influence for n in words)
        if not whole:
            return
        top = sorted(words, key=lambda n: (-n.influence, n.position))[:WORDS]
        named = [f"{self._token(n.position)} ({percent(n.influence / whole)})" for n in top]
        text = f"Of the influence that the words of the text have, most is that of {join_words(named)}."
        self.told.say("Why.", text, [n.influence / whole for n in top])

    def _say_path(self) -> None:
        path = self.drawing.strongest_path
        if not path:
            self.told.say(
                "Why.", "No path leads from a word through the groups to the answer.", [], kind="path"
            )
            return
        named = [self._name(end) for end in path]
        through = f" through {join_words(named[1:-1])}" if named[1:-1] else ""
        text = f"The strongest path runs from {named[0]}{through} to {named[-1]}."
        members = [m for end in path if end in self.boxes for m in self.boxes[end].members]
        self.told.say("Why.", text, [], kind="path", members=members)

    def _say_groups(self) -> None:
        boxes = sorted(self.drawing.supernodes, key=lambda box: (-box.share, box.id))[:GROUPS]
        if not boxes:
            return
        answer = quote_text(self.drawing.target.answer)
        named = [
            f"{self._name(box.id)} {'for' if box.sign > 0 else 'against'} {answer} ({percent(box.share)})"
            for box in boxes
        ]
        self.told.say(
            "Groups.",
            f"The file has {len(self.boxes)} groups. Of what all features do to the lead, these have most: "
            f"{join_words(named)}.",
            [float(len(self.boxes)), *(box.share for box in boxes)],
        )

    def _token(self, position: int) -> str:
        return quote_token_at(self.graph.tokens, position)

    def _name(self, end: str) -> str:
        if end == "LD":
            return quote_text(self.drawing.target.answer)
        if end in self.boxes:
            return f"{end} ({quote_text(self.boxes[end].name, 48)})"
        return self._token(int(end[1:]))

    def _word(self, end: str) -> str:
        if end == "LD":
            return self.drawing.target.answer
        return self.boxes[end].name if end in self.boxes else self.graph.tokens[int(end[1:])]

    def _feature(self, name: str) -> str:
        node = next(n for n in self.features if n.id == name)
        label = f"{quote_text(self.labels[name], 48)}, " if name in self.labels else ""
        return f"{quote_text(name)} ({label}at {self._token(node.position)})"

    def _member(self, name: str) -> dict[str, Any]:
        from tracer import read_feature

        node = next((n for n in self.features if n.id == name), None)
        found = read_feature(name)
        return {
            "id": name,
            "layer": found.layer if found else None,
            "position": found.position if found else None,
            "feature": found.number if found else None,
            "sign": (found.sign or None) if found else None,
            "activation": node.activation if node else None,
            "influence": node.influence if node else None,
            "effect": node.effect if node else None,
            "role": node.role if node else None,
            "label": self.labels.get(name, ""),
        }

    def _group(self, box: Box) -> dict[str, Any]:
        drawn = {n.id: n.effect for n in self.features}
        return {
            **{name: getattr(box, name) for name in ("id", "name", "kind", "sign", "share", "position")},
            "layers": list(box.layers),
            "raises": list(box.raises),
            "lowers": list(box.lowers),
            "effect": round_reported(sum(drawn.get(member, 0.0) for member in box.members)),
            "members": [self._member(member) for member in box.members],
            "verdict": "graph-only",
        }
