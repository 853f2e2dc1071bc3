"""The drawing beside the chat as plain JSON: nodes, edges, supernodes, their tests. Knows no looks."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.answers.citations import hash_graph_id
from agent.answers.concept_drawing import concepts_drawn
from agent.answers.drawing_chain import Changed, DrawnConcept, Hop
from agent.answers.drawn_lens import DrawnLens
from agent.core import (
    Case,
    Controls,
    EffectClaim,
    HeadShare,
    PlainClaim,
    State,
    Supernode,
    TriedClaim,
    claims_of,
    groups_of,
    join_group_ids,
    named_tokens,
    path_of,
    read_claims,
    show_token,
    terms_of,
)

if TYPE_CHECKING:
    from tracer import TracedStudy

FEATURES, ERRORS, EDGES, BUNDLES = 300, 40, 1500, 60
TEST = ("predicted", "measured", "controls", "p", "verdict")  # what a box shows of its test
EMPTY = ("nodes", "edges", "supernodes", "superedges", "strongest_path", "concepts", "hops", "path")
DRAWN_SCORES = ("completeness", "replacement", "unexplored", "kept_influence", "nodes", "edges")


LARGEST = 2**53  # whole numbers that every reader of JSON holds exactly


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Target(_Part):
    """What is explained: by how much the answer's logit lies above the foil's."""

    answer: str
    foil: str
    value: float
    unit: str = "logits"


class Node(_Part):
    """A feature, a token, an error, or the answer; `effect` on the lead in logits."""

    id: str
    kind: str
    layer: int
    position: int
    label: str
    activation: float | None
    influence: float
    effect: float
    role: str | None
    supernode: str | None


class Edge(_Part):
    """From one node, token or box to another, with its effect on the lead in logits."""

    source: str
    target: str
    weight: float
    heads: list[HeadShare] = Field(default_factory=list)  # those it passes, where that was looked for


class Box(_Part):
    """A supernode as it is drawn, with the test of removing it."""

    id: str
    name: str
    kind: str
    sign: int
    share: float
    position: int
    layers: list[int]
    members: list[str]
    raises: list[str]
    lowers: list[str]
    predicted: float | None = None
    measured: float | None = None
    controls: Controls | None = None
    p: float | None = None
    verdict: str | None = None


class ByHand(_Part):
    """What a reader changed by hand in the picture."""

    id: str
    factor: float
    measured: float


class EarlierTest(_Part):
    """What removing mostly the same features did to another lead, tested before (`earlier_verdicts`)."""

    id: str
    was: str  # the group's id in that graph
    answer: str
    foil: str
    shared: float  # of the features of both groups
    predicted: float | None = None
    measured: float | None = None
    p: float | None = None
    verdict: str


class Drawing(_Part):
    """A circuit to be shown: everything the page needs, and no looks."""

    graph_id: str
    circuit: str = Field("", pattern=r"^[0-9a-f]{0,8}$")
    text: str
    tokens: list[str]
    n_layers: int
    target: Target
    nodes: list[Node]
    edges: list[Edge]
    supernodes: list[Box]
    superedges: list[Edge]
    strongest_path: list[str]
    scores: dict[str, Annotated[int, Field(ge=-LARGEST, le=LARGEST)] | float]
    tried: list[ByHand] = Field(default_factory=list)
    earlier: list[EarlierTest] = Field(default_factory=list, exclude_if=lambda tests: not tests)
    concepts: list[DrawnConcept] = Field(default_factory=list)  # those on the path first
    hops: list[Hop] = Field(default_factory=list)
    path: list[str] = Field(default_factory=list)  # ids of concepts, first to last
    changed: Changed | None = None
    # a drawing from before there was this view keeps the name that is made from what it holds
    lens: DrawnLens | None = Field(None, exclude_if=lambda lens: lens is None)
    only_seen: bool = False  # of somebody's file: nothing can be tried on it

    @model_validator(mode="after")
    def _places(self) -> "Drawing":
        if self.lens and (
            self.lens.positions[-1] >= len(self.tokens) or self.lens.layers[-1] >= self.n_layers
        ):
            raise ValueError("the lens is read at a word or layer that is not there")
        return self

    def plain(self) -> dict[str, Any]:
        """The same as JSON, without what was not said."""
        return self.model_dump(mode="json", exclude_unset=True)


def draw_circuit(state: State, traced: "TracedStudy", lens: dict[str, Any] | None = None) -> dict[str, Any]:
    """The circuit of a traced text with what the `lens` reads on it, where that is known.

    `add_verdicts` adds verdicts later without tracing again.
    """
    case, groups = state.get("case"), groups_of(state)
    assert case is not None
    graph = state.get("graph") or {}
    nodes = _draw_features(state, groups) + _draw_other_nodes(state, traced) + [_draw_root(state, traced)]
    ids = {node["id"] for node in nodes}
    edges = [e._asdict() for e in traced.edges(4 * EDGES) if e.source in ids and e.target in ids]
    for edge in edges:
        edge["weight"] = round(edge["weight"], 6)
    graph_id = f"{traced.study.subject.name}:{case['answer_id']}:{case['foil_id']}:{case['text']}"
    whole = {
        "graph_id": graph_id,
        "circuit": hash_graph_id(graph_id),
        "text": case["text"],
        "tokens": named_tokens(case["tokens"]),
        "n_layers": traced.study.layers,
        "target": {"answer": case["answer"], "foil": case["foil"], "value": case["value"]},
        "nodes": nodes,
        "edges": edges[:EDGES],
        "supernodes": [_draw_box(group, None) for group in groups],
        "superedges": _draw_flows(state, groups),
        "strongest_path": path_of(state),
        "scores": {name: graph[name] for name in DRAWN_SCORES},
        **concepts_drawn(claims_of(state)),
        **({"lens": lens} if lens else {}),
    }
    return Drawing.model_validate(whole).plain()


def draw_untraced(case: Case) -> dict[str, Any]:
    """What stands beside an answer for which nothing was traced: the words, and no circuit."""
    return {
        "graph_id": "",
        "circuit": "",
        "text": case["text"],
        "tokens": named_tokens(case["tokens"]),
        "n_layers": 0,
        "target": {"answer": case["answer"], "foil": case["foil"], "value": case["value"]},
        **{name: [] for name in EMPTY},
        "scores": dict.fromkeys(DRAWN_SCORES, 0),
    }


def add_verdicts(
    view: dict[str, Any],
    groups: list[Supernode],
    claims: list[PlainClaim],
    changed: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The same drawing with what has been tested by removing each group, and what was changed last."""
    ledger = read_claims(claims)
    tests = {c.name: c for c in ledger if isinstance(c, EffectClaim) and c.removes}
    boxes = [_draw_box(group, tests.get(group["id"])) for group in groups]
    tried = [
        {
            "id": join_group_ids(claim.groups) or claim.members[0],
            "factor": claim.intervention.factor,
            "measured": claim.measured,
        }
        for claim in ledger
        if isinstance(claim, TriedClaim)
    ]
    return {**view, "supernodes": boxes, "tried": tried, **concepts_drawn(ledger), "changed": changed}


def _draw_box(group: Supernode, claim: EffectClaim | None) -> dict[str, Any]:
    names = (
        "id",
        "name",
        "kind",
        "sign",
        "share",
        "position",
        "layers",
        "members",
        "raises",
        "lowers",
    )
    box: dict[str, Any] = {name: group[name] for name in names}  # type: ignore[literal-required]
    box["share"] = round(box["share"], 6)
    test = claim.model_dump(mode="json", include=set(TEST)) if claim else {}
    return box | {name: test.get(name) for name in TEST}


def _draw_features(state: State, groups: list[Supernode]) -> list[dict[str, Any]]:
    home = {member: group["id"] for group in groups for member in group["members"]}
    features = state.get("features", [])
    ranked = sorted(features, key=lambda f: (f["id"] not in home, -f["influence"], f["id"]))
    return [
        {
            "id": f["id"],
            "kind": "feature",
            "layer": f["layer"],
            "position": f["position"],
            "label": f["label"],
            "activation": round(f["activation"], 6),
            "influence": round(f["influence"], 6),
            "effect": round(f["effect"], 6),
            "role": f["role"],
            "supernode": home.get(f["id"]),
        }
        for f in ranked[:FEATURES]
    ]


def _draw_other_nodes(state: State, traced: "TracedStudy") -> list[dict[str, Any]]:
    labels = {
        "token": "the word itself",
        "error": terms_of(state).error_node,
        "bos": "what the begin-of-text position holds",
        "bias": "what stands before the window" if traced.study.before else "biases",
    }
    others = sorted(traced.others(), key=lambda n: (n.kind == "error", -n.influence, n.id))
    errors = [n for n in others if n.kind == "error"][:ERRORS]
    tokens = named_tokens(traced.study.tokens)
    return [
        {
            "id": n.id,
            "kind": n.kind.value,
            "layer": n.layer,
            "position": max(n.position, 0),
            "label": show_token(tokens[n.position]) if n.kind == "token" else labels[n.kind.value],
            "activation": None,
            "influence": round(n.influence, 6),
            "effect": round(n.effect, 6),
            "role": None,
            "supernode": None,
        }
        for n in [*(n for n in others if n.kind != "error"), *errors]
    ]


def _draw_root(state: State, traced: "TracedStudy") -> dict[str, Any]:
    case = state.get("case")
    assert case is not None
    return {
        "id": "LD",
        "kind": "logit",
        "layer": traced.study.layers,
        "position": len(case["tokens"]) - 1,
        "label": f"{show_token(case['answer'])} − {show_token(case['foil'])}",
        "activation": None,
        "influence": 1.0,
        "effect": case["value"],
        "role": None,
        "supernode": None,
    }


def _draw_flows(state: State, groups: list[Supernode]) -> list[dict[str, Any]]:
    """Flows between tokens, supernodes and the answer, strongest first."""
    flows = state.get("flows") or {}
    bundles = []
    for i, target in enumerate(groups):
        for j, source in enumerate(groups):
            if i != j and flows["between"][i][j]:
                bundles.append((source["id"], target["id"], flows["between"][i][j]))
        bundles += [(f"T{p}", target["id"], w) for p, w in enumerate(flows["from_token"][i]) if w]
        bundles.append((target["id"], "LD", flows["direct"][i]))
    bundles.sort(key=lambda b: (-abs(b[2]), b[0], b[1]))
    heads = flows.get("heads") or {}
    return [
        {"source": s, "target": t, "weight": round(w, 6), **_list_heads(heads.get(f"{s}>{t}"))}
        for s, t, w in bundles[:BUNDLES]
    ]


def _list_heads(found: dict[str, Any] | None) -> dict[str, Any]:
    """The heads a bundle passes, where the tracer was asked for them."""
    names = ("layer", "head", "share")
    return {"heads": [{name: head[name] for name in names} for head in found["heads"]]} if found else {}
