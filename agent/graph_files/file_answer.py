"""What an answer can say from a graph file alone, where the model is not at hand. Tests nothing, and says so.

Every sentence goes through the ledger like any other answer; every verdict is "graph-only". Names and labels
come from whoever made the file: they are quoted, shortened and never obeyed.
"""

import re
from typing import TYPE_CHECKING, Any

from agent.core import escape_md, join_words, percent, round_reported, show_change, show_size, sign_of
from agent.graph_files.file_sentences import FileSentences, quote_end, quote_text
from agent.graph_files.head_looks import SAID as HEADS, Look, find_looks, list_looks, write_look
from agent.graph_files.own_file import explain_own, read_own_drawing

if TYPE_CHECKING:
    from tracer import FileNode, Flow

FEATURES, SAID, SUPERNODES, LOGITS = 20, 5, 6, 3
_OUTPUT = re.compile(
    r"""(?:output|logit)(?:\s+token)?:?\s*(?P<q>["'`]?)(?P<token>.*)(?P=q)\s*\(p=[\d.]+(?:e-\d+)?\s*%?\)""",
    re.DOTALL | re.IGNORECASE,
)
_SPECIAL = re.compile(r"[<\[].*[>\]]")


def explain_flow(flow: "Flow") -> dict[str, Any]:
    """The object of `askcircuit why --json` from a file: path, features, supernodes, scores, and no tests."""
    own, notes = read_own_drawing(flow.graph)
    return _FileAnswer(flow, notes).report() if own is None else explain_own(flow.graph, own)


class _FileAnswer:
    """One file being read; collects claims and the sentences that rest on them."""

    def __init__(self, flow: "Flow", notes: tuple[str, ...] = ()) -> None:
        self.flow, self.graph = flow, flow.graph
        self.labels = self.graph.all_labels()
        self.every = {n.id: n for n in (*self.graph.aside, *self.graph.nodes)}
        self.bos = frozenset(n.id for n in self.graph.nodes if n.kind == "token" and self._is_bos(n))
        self.path = flow.strongest_path(self.bos)
        passed = frozenset(n.id for n in self.path.nodes) if self.path else frozenset()
        self.looks: list[Look] = find_looks(flow, passed)
        self.told = FileSentences(self.graph, notes)

    def report(self) -> dict[str, Any]:
        """Everything, after the ledger's check."""
        self.told.say_origin()
        self._says()
        self._words()
        self._trace_back()
        self._features()
        self._looks()
        self._supernodes()
        self._scores()
        scores = self.flow.scores()
        graph = {"nodes": len(self.graph.nodes), "edges": len(self.graph.links), "layers": self.graph.layers}
        kept = self.graph.own.get("kept_influence")
        names = ("completeness", "completeness_peer", "replacement", "unexplored")
        return self.told.report(
            predictions=[
                {"token": self._token_of(n), "p": round_reported(n.probability)} for n in self._logits()
            ],
            question={
                "asked": None,
                "answer": self._token_of(self.flow.answer),
                "foil": self._foil(),
                "premise": "true",
                "note": "",
                "lead": None,
            },
            graph={
                **graph,
                **{name: round_reported(getattr(scores, name)) if scores else None for name in names},
                "kept_influence": kept if isinstance(kept, float) else None,
            },
            features=[self._member(n) for n in self.flow.top("feature")[:FEATURES]],
            looks=list_looks(self.looks, self._plain_name),
            supernodes=self._groups(),
            path=[self.graph.name(n) for n in self.path.nodes] if self.path else [],
            path_words=[self._word(n) for n in self.path.nodes] if self.path else [],
        )

    def _says(self) -> None:
        logits = self._logits()[:LOGITS]
        known = [f" ({percent(n.probability)})" if n.probability else "" for n in logits]
        said = join_words([f"{quote_text(self._token_of(n))}{p}" for n, p in zip(logits, known, strict=True)])
        numbers = [n.probability for n in logits]
        against = f" rather than {quote_text(self._foil())}" if self.graph.own else ""
        text = f"After {quote_end(self.graph.prompt)} the file explains {said}{against}."
        self.told.say("What it explains.", text, numbers, kind="prediction")

    def _trace_back(self) -> None:
        if self.path is None:
            self.told.say(
                "Why.", "No chain of links leads from a word to the answer within the file.", [], kind="path"
            )
            return
        first, *middle, last = self.path.nodes
        through = (
            f" through {join_words([self._name_group(n) for n in middle])}"
            if middle
            else " without a feature"
        )
        text = (
            f"The strongest chain runs from {quote_text(self._token_at(first.position))}{through} to "
            f"{quote_text(self._token_of(last))}; the product of its shares is {percent(self.path.share)}."
        )
        self.told.say(
            "Why.",
            text,
            [self.path.share],
            kind="path",
            members=[self.graph.name(n) for n in self.path.nodes],
        )

    def _words(self) -> None:
        words = [n for n in self.graph.nodes if n.kind == "token" and n.id not in self.bos]
        whole = sum(self.flow.influence[n.id] for n in words)
        if not whole:
            return
        share = {n.id: self.flow.influence[n.id] / whole for n in words}
        top = sorted(words, key=lambda n: (-share[n.id], n.position))[:LOGITS]
        named = join_words(
            [f"{quote_text(self._token_at(n.position))} ({percent(share[n.id])})" for n in top]
        )
        text = f"Of the influence that the words of the text have, most is that of {named}."
        self.told.say("Why.", text, [share[n.id] for n in top])

    def _features(self) -> None:
        top = self.flow.top("feature")[:SAID]
        if top:
            text = f"The most important features are {join_words([self._name_group(n) for n in top])}."
            names = [self.graph.name(n) for n in top]
            self.told.say("Why.", text, [], members=names)

    def _looks(self) -> None:
        for look in self.looks[:HEADS]:
            text, numbers = write_look(look, self._name_any)
            self.told.say("Why it looks there.", text, numbers, members=[self.graph.name(look.head)])
        if len(self.looks) > HEADS:
            count = float(len(self.looks))
            self.told.say(
                "Why it looks there.", f"The file says so of {count:.0f} attention features.", [count]
            )

    def _plain_name(self, name: str) -> str:
        node = self.every.get(name)
        return name if node is None else self.graph.name(node)

    def _name_any(self, name: str) -> str:
        """A node of the graph or beside it as sentences name it; an id that is neither as it stands."""
        node = self.every.get(name)
        if node is None:
            return quote_text(name)
        return quote_text(self._token_at(node.position)) if node.kind == "token" else self._name_group(node)

    def _supernodes(self) -> None:
        groups = self._groups()
        if not groups:
            return
        told = sorted(groups, key=lambda g: (-g["share"], g["id"]))[:SUPERNODES]
        named = join_words([f"{quote_text(g['name'])} ({percent(g['share'])})" for g in told])
        text = (
            f"The file has {len(groups)} supernodes, drawn by whoever made it; with most of the features' "
            f"influence come {named}."
        )
        self.told.say("Supernodes.", text, [float(len(groups)), *(g["share"] for g in told)])
        passed = {n.id for n in self.path.nodes} if self.path else set()
        on_path = [g.name for g in self.graph.groups if passed & set(g.members)]
        if on_path:
            self.told.say(
                "Supernodes.",
                f"The strongest chain passes {join_words([quote_text(n) for n in on_path])}.",
                [],
            )

    def _scores(self) -> None:
        nodes, links = float(len(self.graph.nodes)), float(len(self.graph.links))
        size = f"The file holds {nodes:.0f} nodes and {links:.0f} links"
        scores = self.flow.scores()
        if scores is None:
            text = f"{size} but too few error nodes to say how much of the model they explain."
            self.told.say("How complete.", text, [nodes, links])
        else:
            text = (
                f"{size}; within it completeness is {show_size(scores.completeness)} and replacement "
                f"{show_size(scores.replacement)}, which says nothing of what was pruned before."
            )
            self.told.say("How complete.", text, [nodes, links, scores.completeness, scores.replacement])
        said = self.graph.own.get("scores")
        scored: dict[str, Any] = said if isinstance(said, dict) else {}
        known = [scored.get(name) for name in ("completeness", "replacement")]
        shares = [value for value in known if isinstance(value, float) and 0 <= value <= 1]
        if len(shares) == len(known):
            text = (
                f"Of the whole graph: completeness {show_size(shares[0])}, replacement "
                f"{show_size(shares[1])}."
            )
            self.told.say("How complete.", text, shares)
        self.told.say_how_to_test()

    def _groups(self) -> list[dict[str, Any]]:
        nodes = {n.id: n for n in self.graph.nodes}
        influence = self.flow.influence
        whole = sum(influence[n.id] for n in self.graph.nodes if n.kind == "feature") or 1.0
        out = []
        for i, group in enumerate(self.graph.groups, 1):
            members = [nodes[m] for m in dict.fromkeys(group.members)]
            features = [n for n in members if n.kind == "feature"]
            layers = [n.layer for n in members]
            out.append(
                {
                    "id": f"S{i}",
                    "name": group.name,
                    "share": round_reported(sum(influence[n.id] for n in features) / whole),
                    "direct": round_reported(sum(self.flow.direct(n.id) for n in features)),
                    "layers": [min(layers), max(layers)],
                    "members": [self._member(n) for n in members],
                    "verdict": "graph-only",
                }
            )
        return out

    def _member(self, node: "FileNode") -> dict[str, Any]:
        name = self.graph.name(node)
        neuron = self.graph.neurons and node.feature is not None
        return {
            "id": name,
            "layer": node.layer,
            "position": node.position,
            "feature": (node.feature or 0) // 2 if neuron else node.feature,
            "sign": sign_of(name) if neuron else None,
            "activation": round_reported(node.activation),
            "influence": round_reported(self.flow.influence[node.id]),
            "direct": round_reported(self.flow.direct(node.id)),
            "label": self.labels[node.id],
        }

    def _logits(self) -> list["FileNode"]:
        logits = [n for n in self.graph.nodes if n.kind == "logit"]
        return sorted(logits, key=lambda n: (n.id != self.flow.answer.id, -n.probability, n.id))

    def _foil(self) -> str:
        own = self.graph.own.get("foil")
        if isinstance(own, str):
            return own
        others = self._logits()[1:]
        return self._token_of(others[0]) if others else ""

    def _token_of(self, node: "FileNode") -> str:
        own = self.graph.own.get("answer")
        if isinstance(own, str) and node.id == self.flow.answer.id:
            return own
        found = _OUTPUT.fullmatch(node.label)
        said = found["token"] if found else ""
        told = node.token or (said if found and found["q"] else said.rstrip())
        return told or self.labels[node.id] or f"token {node.number}"

    def _token_at(self, position: int) -> str:
        return self.told.tokens[position]

    def _word(self, node: "FileNode") -> str:
        """A node in a word or two: a token, the answer, or a feature's label."""
        if node.kind == "token":
            return self._token_at(node.position)
        return self._token_of(node) if node.kind == "logit" else self.labels[node.id] or self.graph.name(node)

    def _is_bos(self, node: "FileNode") -> bool:
        return node.position == 0 and bool(_SPECIAL.fullmatch(self.graph.tokens[0]))

    def _name_group(self, node: "FileNode") -> str:
        label = self.labels[node.id]
        known = f"{quote_text(label, 48)}, " if label else ""
        return f"{quote_text(self.graph.name(node))} ({known}at {quote_text(self._token_at(node.position))})"


def write_contents(shown: dict[str, Any]) -> str:
    """What a file holds, as markdown; `shown` is what `agent.show_graph` returns."""
    source, graph = shown["source"], shown["graph"]
    kinds = join_words([f"{count} of kind {kind}" for kind, count in shown["kinds"].items()])
    guesses = [f"{quote_text(g['token'])} ({percent(g['p'])})" for g in shown["predictions"][:SAID]]
    lines = [
        f"Graph {quote_text(source['slug'])} of {quote_text(shown['model'])}"
        + (f", made by {quote_text(source['made_by'])}." if source["made_by"] else "."),
        f"Text: {quote_text(shown['text'], 200)}",
        f"It explains {join_words(guesses)}.",
        f"{graph['nodes']} nodes ({kinds}), {graph['edges']} links, {graph['layers']} layers; "
        f"{shown['labelled']} features have a label.",
        f"Strongest chain: {' → '.join(quote_text(word, 48) for word in shown['path_words']) or 'none'}",
    ]
    for group in shown["supernodes"][:FEATURES]:
        size = f"{len(group['members'])} nodes, {percent(group['share'])} of the features' influence"
        lines.append(f"Supernode {quote_text(group['name'])}: {size}")
    if shown["lead"] is not None:
        lines[2] = (
            f"{lines[2].rstrip('.')}, with a lead of {show_change(shown['lead'])} over the other token."
        )
    if graph["completeness_peer"] is not None:
        lines.append(
            f"Within the file: completeness {show_size(graph['completeness'])} "
            f"({show_size(graph['completeness_peer'])} as circuit-tracer counts), "
            f"replacement {show_size(graph['replacement'])}."
        )
    return "\n".join(f"- {escape_md(line)}" for line in [*lines, *shown["notes"]])
