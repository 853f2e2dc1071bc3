"""A set of transcoders in place of neurons: where they are the model's own MLPs, everything agrees."""

from dataclasses import replace

import pytest
import torch
from frozen_reference import own_precision
from tests_support import freeze_words, random_transcoders, relu_subject, save_own_mlps, tiny_subject
from tolerance import SHARPENED, assert_close, near, size_of

from tracer.attribution.backward_sweep import direct_rows
from tracer.attribution.heads import Connection, attribute_heads, list_crossings
from tracer.errors import GraphError
from tracer.study.feature_basis import Features
from tracer.study.outcomes import Intervention
from tracer.study.study import Study
from tracer.study.traced_study import TracedStudy
from tracer.transcoders.hub import load_transcoders
from tracer.transcoders.sources import feature_sources

TEXT, OTHER = "w5 w9 w33 w2 w71 w8", "w5 w9 w60 w2 w71 w8"
OWN = {"dtype": torch.float64}  # the numbers come out of float64 models


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same text by its neurons and by transcoders that are these neurons."""
    subject, folder = relu_subject(), tmp_path_factory.mktemp("own")
    save_own_mlps(subject, folder)
    with own_precision(subject.model):
        transcoders = load_transcoders(str(folder))
        made = []
        for given in (None, transcoders):
            study = Study(subject, TEXT, 64, given)
            best = study.predictions(2)
            traced = TracedStudy(study.contrast(best[0].token_id, best[1].token_id), 5000)
            made.append((traced, Study(subject, OTHER, 64, given)))
        yield made


def as_feature(name):
    """A positive neuron's id as that of the transcoder feature it is."""
    return name.replace(".N", ".F").replace("+@", "@")


def test_the_graph_is_that_of_the_neurons(both):
    (neurons, _), (features, _) = both
    assert features.study.tokens == neurons.study.tokens
    assert [as_feature(f.id) for f in neurons.features()] == [f.id for f in features.features()]
    for mine, theirs in zip(features.features(), neurons.features(), strict=True):
        for name in ("activation", "influence", "effect", "direct"):
            assert_close(getattr(mine, name), getattr(theirs, name), SHARPENED, **OWN)
        assert (mine.promotes, mine.raises) == (theirs.promotes, theirs.raises)
        words = theirs.fires_on[:4]
        assert mine.fires_on[: len(words)] == words or "w0" in words  # nothing fires at the special token
    assert_close(features.scores, neurons.scores, SHARPENED, **OWN)
    mine, theirs = ({(e.source, e.target): e.weight for e in t.edges(500)} for t in (features, neurons))
    theirs = {(as_feature(s), as_feature(t)): weight for (s, t), weight in theirs.items()}
    assert mine.keys() == theirs.keys()
    assert mine == near(theirs, SHARPENED, **OWN)


def groups_of(traced):
    strongest = sorted(traced.features(), key=lambda f: -abs(f.effect))
    return [[f.id for f in strongest[:4]], [f.id for f in strongest if f.layer == 3][:5]]


def test_flows_heads_and_words_are_those_of_the_neurons(both):
    (neurons, _), (features, _) = both
    groups = groups_of(neurons)
    own = [[as_feature(name) for name in group] for group in groups]
    for mine, theirs in zip(features.flows(own), neurons.flows(groups), strict=True):
        assert_close(torch.tensor(mine), torch.tensor(theirs))
    assert features.raised_together(own[0], 4) == neurons.raised_together(groups[0], 4)
    pairs = [(["T@2"], groups[0]), (groups[0], ["LD"]), (["T@3"], [*groups[1], "LD"])]
    found = neurons.heads(pairs)
    ours = features.heads([tuple([as_feature(name) for name in end] for end in pair) for pair in pairs])
    for mine, theirs in zip(ours, found, strict=True):
        size = max(abs(h.amount) for h in theirs.heads)
        assert_close(mine.total, theirs.total, size=size)
        assert [(h.layer, h.head) for h in mine.heads] == [(h.layer, h.head) for h in theirs.heads]
        assert_close([h.amount for h in mine.heads], [h.amount for h in theirs.heads])


@pytest.mark.parametrize("kind", ["ablate", "steer", "swap"])
def test_every_claim_agrees_with_the_neurons(both, kind):
    found = []
    for traced, other in both:
        name = as_feature if traced.graph.basis == "transcoders" else str
        groups = [[name(f) for f in group] for group in groups_of(both[0][0])]
        how = {
            "ablate": Intervention("ablate", 0.0),
            "steer": Intervention("steer", 2.5),
            "swap": Intervention("swap", 1.0, other, {}),
        }[kind]
        readouts = [groups[1]] if kind != "swap" else []
        forecast = traced.contrast.forecast(groups, how, readouts)
        outcome = traced.contrast.test(groups[0], how, controls=19, seed=3, readouts=readouts)
        assert len(outcome.controls) == 19
        assert max(map(abs, outcome.controls)) > 0
        found.append(
            [
                *(x for f in forecast for x in (f.frozen, f.exact, f.curved, *f.knock_on)),
                *(outcome.measured, *outcome.doses.values(), *outcome.knock_on),
                *(said.p for said in traced.study.says_after(groups[0], how, 5)),
            ]
        )
    assert_close(found[1], found[0], SHARPENED, **OWN)


def test_a_swap_takes_over_what_only_the_other_text_has(both):
    traced, other = both[1]
    how = Intervention("swap", 1.0, other, {})
    ids = traced.contrast.strongest_at([3], 40, how)
    units = traced.study.units(ids)
    here, there = traced.study.basis.activations(units), other.basis.activations(units)
    assert bool(((here == 0) & (there > 0)).any())
    assert set(traced.contrast.strongest_at([3], 5)) <= {
        f"L{la}.F{f}@{p}"
        for la, p, f in zip(*(c.tolist() for c in traced.study.basis.active.units), strict=True)
    }
    everything = traced.contrast.strongest_at([3], 10**6, how)
    (forecast,) = traced.contrast.forecast([everything], how)
    outcome = traced.contrast.test(everything, how, controls=1, seed=1)
    assert outcome.measured * forecast.exact > 0


def test_an_id_that_is_none_is_told_in_a_sentence(both):
    study = both[1][0].study
    for name in ("L0.F99999@1", "L9.F1@1", "L1.F1@99", "L1.N5+@2", "L-1.F1@2", "S1"):
        with pytest.raises(GraphError, match="feature"):
            study.units([name])


@pytest.mark.parametrize("family", ["gemma3", "llama", "gpt_neox"])
@pytest.mark.parametrize("before_post_norm", [False, True])
def test_heads_skips_and_bypass_add_up_to_the_edges(tiny, family, before_post_norm):
    """At every layer, with cross-layer features and affine skips that pass an edge on."""
    subject = tiny_subject(tiny, family)
    with own_precision(subject.model):
        frozen = freeze_words(subject, 7)
        made = random_transcoders(frozen, kind="jumprelu", span=2, skip=True)
        basis = Features(frozen, replace(made, before_post_norm=before_post_norm))
        units = basis.active.units
        target = basis.targets(units)
        sources = feature_sources(frozen, basis.transcoders, basis.active)
        rows = direct_rows(frozen, target, sources)
        top = int((units.layer == 3).nonzero()[0, 0])
        low = [int(i) for i in (units.layer == 0).nonzero()[:6, 0]]
        reads = target.pick(torch.tensor([top]))
        written = basis.written_by(units.pick(torch.tensor(low)), [2])
        edge = float(rows[top, low].sum() + rows[top, sources.token_column + 2])
        (found,) = attribute_heads(frozen, [Connection(written, reads)], 3, linear=basis.linear)
        assert_close(found.total, edge, SHARPENED, size=size_of(rows), **OWN)
        last = 2 if frozen.layers[0].parallel else 3
        for crossing in list(list_crossings(frozen, [Connection(written, reads)], basis.linear))[
            2 : last + 1
        ]:
            parts = float(crossing.moved.sum() + crossing.bypass)  # above what was written at layers 0 and 1
            assert_close(parts, edge, SHARPENED, size=size_of(rows), **OWN)
