"""The same graphs as circuit-tracer 0.5.0 on the same weights (golden files, golden/parity/make.py)."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from golden.parity.drawn import drawn_transcoder
from safetensors import safe_open
from tests_support import words_tokenizer
from tolerance import assert_close, distance, tolerance

from tracer.attribution.circuit_tracer_compat import PeerView
from tracer.attribution.frozen_forward import freeze
from tracer.interventions.feature_intervene import Hold, Setting, change_of, set_features
from tracer.interventions.generate import continue_text
from tracer.models.families import family_of
from tracer.models.model import Model
from tracer.transcoders.attribute import likeliest_roots, trace_transcoders
from tracer.transcoders.transcoders import (
    InMemoryTable,
    Nonlinearity,
    Reads,
    Transcoder,
    Transcoders,
    active_features,
)

TABLES = ("W_enc", "W_dec", "b_enc", "b_dec", "W_skip", "threshold")
GOLDEN = sorted((Path(__file__).parent / "golden" / "parity").glob("*.safetensors"))
INTERVENTIONS = Path(__file__).parent / "golden" / "parity" / "interventions"


class Case:
    """One golden file, and the same model and transcoders here."""

    def __init__(self, path, embedded):
        self.name = path.stem
        with safe_open(path, "pt") as file:
            self.about = json.loads(file.metadata()["about"])
            self.found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
        self.embedded = self.about["family"] == "embedded"
        subject = embedded() if self.embedded else self.subject()
        self.frozen = freeze(subject, torch.tensor(self.about["ids"]))
        self.gemma3 = self.about["family"] == "Gemma3" or self.embedded
        self.factor = self.frozen.embedded.shape[1] ** 0.5 if self.gemma3 else 1.0
        self.transcoders = self.read_transcoders()

    def subject(self):
        import transformers as hf

        family = self.about["family"]
        config = getattr(hf, f"{family}TextConfig" if family == "Gemma3" else f"{family}Config")
        config = config(**self.about["config"], attn_implementation="eager")
        model = getattr(hf, f"{family}ForCausalLM")(config).eval().requires_grad_(False)
        weights = {k.removeprefix("model."): v for k, v in self.found.items() if k.startswith("model.")}
        left = model.load_state_dict(weights, strict=False)
        assert set(left.missing_keys) <= {"lm_head.weight"}
        assert not left.unexpected_keys
        model.tie_weights()
        return Model(family, model, words_tokenizer(), family_of(model.config.model_type))

    def read_transcoders(self):
        made, layers = self.about["transcoders"], []
        for index in range(len(self.frozen.layers)):
            own = {key: self.found.get(f"layer {index} {key}") for key in TABLES}
            own |= drawn_transcoder(index) if self.embedded else {}
            skip = None if own["W_skip"] is None else own["W_skip"].T
            shape = Nonlinearity(own["threshold"], made.get("k"))
            layers.append(
                Transcoder(
                    InMemoryTable(own["W_enc"]),
                    own["b_enc"],
                    InMemoryTable(own["W_dec"]),
                    own["b_dec"],
                    shape,
                    skip,
                )
            )
        return Transcoders(tuple(layers), Reads(made["reads"]))

    def graph(self, frozen):
        return trace_transcoders(
            frozen,
            self.transcoders,
            max_feature_nodes=self.about["rows"],
            a_round=4 * self.about["batch"],
            zero_positions=1,
            rest_apart=True,
        )


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem, scope="module")
def case(request):
    return Case(request.param, lambda: request.getfixturevalue("embedded_subject"))


@pytest.fixture(scope="module")
def view(case):
    """Our graph with the peer's unscaled Gemma 3 embeddings, which also enter its choice of nodes."""
    return PeerView(case.graph(replace(case.frozen, embedded=case.frozen.embedded / case.factor)))


def test_the_same_features_are_active(case):
    active = active_features(case.frozen, case.transcoders, 1)
    assert torch.equal(torch.stack(list(active.units), 1), case.found["active"].long())
    assert_close(active.acts, case.found["values"])


def test_the_same_logits_are_explained(case):
    roots = likeliest_roots(case.frozen)
    assert roots.names == tuple(case.frozen.subject.token_texts(case.found["logit_tokens"].tolist()))
    assert_close(roots.weights, case.found["logit_probabilities"])


def test_the_same_features_are_chosen_and_every_edge_agrees(case, view):
    graph = case.graph(replace(case.frozen, embedded=case.frozen.embedded / case.factor))
    chosen = case.found["active"][case.found["selected"].long()].long()
    mine = torch.stack([x[: graph.features] for x in (graph.layer, graph.position, graph.neuron)], 1)
    assert torch.equal(mine, chosen)
    wanted = case.found["adjacency"]
    for mine, theirs in zip(view.matrix, wanted, strict=True):
        assert_close(mine, theirs)


def test_token_edges_of_gemma_3_are_the_peers_times_the_root_of_the_width(case, view):
    from tracer.attribution.backward_sweep import direct_rows
    from tracer.transcoders.sources import feature_sources

    active = active_features(case.frozen, case.transcoders, 1)
    sources = feature_sources(case.frozen, case.transcoders, active)
    rows = direct_rows(case.frozen, likeliest_roots(case.frozen).targets, sources)
    mine = rows[:, sources.token_column : sources.bias_column]
    theirs = case.found["adjacency"][-view.roots :, -view.roots - view.tokens : -view.roots] * case.factor
    assert case.factor == (case.frozen.embedded.shape[1] ** 0.5 if case.gemma3 else 1)
    assert_close(mine, theirs)


def test_influence_pruning_and_scores_agree(case, view):
    pruned = view.prune()
    assert torch.equal(pruned.nodes, case.found["node_mask"].bool())
    assert torch.equal(pruned.edges, case.found["edge_mask"].bool())
    assert_close(pruned.cumulative, case.found["cumulative"])
    assert_close(view.scores(), case.found["scores"])


class Said:
    """What the peer's model said with features set."""

    def __init__(self, case, path):
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["about"])
            self.found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no iterator)
        self.settings, self.step = [Setting(*row) for row in about["settings"]], about["step"]
        self.onward = [setting._replace(position=slice(4, None)) for setting in self.settings]
        self.layers = len(case.frozen.layers)

    def hold(self, mode):
        layers = {"some layers": range(1, self.layers - 1), "everything": range(self.layers)}.get(mode)
        return Hold(attention=mode != "nothing", layers=layers, zero_positions=1)


@pytest.fixture(scope="module")
def said(case):
    return Said(case, INTERVENTIONS / f"{case.name}.safetensors")


@pytest.mark.parametrize("mode", ["attention", "nothing", "some layers", "everything"])
def test_features_set_to_values_make_the_peer_and_us_say_the_same(case, said, mode):
    change = change_of(said.settings, case.frozen.length, case.frozen.embedded)
    effect = set_features(case.frozen, case.transcoders, [change], said.hold(mode), features=True)
    wanted = said.found[f"{mode} logits"]
    assert_close(effect.logits[0, :: said.step], wanted)
    assert distance(case.frozen.logits[:: said.step], wanted) > 10 * tolerance(1)
    if said.step == 1:  # the embedded model's activations would be large files
        features = torch.cat(effect.features)
        assert_close(features, said.found[f"{mode} acts"])


@pytest.mark.parametrize("mode", ["attention", "nothing"])
def test_what_is_generated_with_features_held_is_the_peers(case, said, mode):
    found = continue_text(case.frozen, said.onward, 4, case.transcoders, said.hold(mode))
    wanted = said.found[f"{mode} generated"]
    assert found.ids == tuple(said.found[f"{mode} ids"].tolist())
    assert_close(found.logits[:, :: said.step], wanted)


def test_the_graph_also_adds_up_which_the_peers_cannot(case):
    assert case.graph(case.frozen).residual() < tolerance(1)


def test_there_are_golden_files_and_they_are_small():
    assert len(GOLDEN) == 7
    assert sum(path.stat().st_size for path in GOLDEN) < 2 * 2**20
    said = sorted(INTERVENTIONS.glob("*.safetensors"))
    assert [path.stem for path in said] == [path.stem for path in GOLDEN]
    assert sum(path.stat().st_size for path in said) < 300_000
