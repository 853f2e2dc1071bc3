"""Describing a transcoder set's features: the same evidence and files as for neurons."""

import numpy as np
import pytest
from tolerance import SUM, assert_close


@pytest.fixture(scope="module")
def own_mlps(tmp_path_factory):
    """A tiny ReLU model and, as a set of transcoders, its own MLPs; its neurons and its features."""
    from tests_support import relu_subject, save_own_mlps

    from tracer import NeuronSet, TranscoderSet, fit_transcoders, load_transcoders

    subject = relu_subject(positions=128)
    folder = tmp_path_factory.mktemp("sets") / "own"
    save_own_mlps(subject, folder)
    return NeuronSet(subject), TranscoderSet(subject, fit_transcoders(load_transcoders(str(folder)), subject))


@pytest.fixture(scope="module")
def gathered(own_mlps, made_corpus, tmp_path_factory):
    """The evidence on both."""
    from tracer import corpus_texts, gather_evidence

    where = tmp_path_factory.mktemp("both")
    return [
        gather_evidence(some, corpus_texts([made_corpus]), where / some.basis, 60_000) for some in own_mlps
    ]


def test_a_set_that_is_the_models_own_mlps_fires_where_its_neurons_do(own_mlps, gathered):
    neurons, features = gathered
    assert own_mlps[1].width == own_mlps[0].width
    assert features.model == f"{neurons.model} with own"
    for layer in range(neurons.layers):
        ours, theirs = neurons.firing(layer), features.firing(layer)
        assert (ours.first == theirs.first).all()
        assert (ours.token == theirs.token).all()
        assert np.abs(ours.value - theirs.value).max() < 0.01 * ours.value.max()
        some = features.firing(layer, range(3, 9))
        assert (some.of(1)[0] == theirs.of(7)[0]).all()
        assert_close(own_mlps[0].written(layer), own_mlps[1].written(layer), SUM)


def test_its_descriptions_are_files_like_any_and_are_shown_and_searched(own_mlps, gathered, tmp_path):
    from agent.features.autointerp import describe_features
    from agent.features.catalogue import Catalogue, find_own_folder

    features = own_mlps[1]
    out = find_own_folder(tmp_path, features.name)
    summary = describe_features(features, [], gathered[1].folder, out, 60_000)
    assert summary.features == 2 * features.width * features.subject.layers
    assert min(summary.parts.values()) > 0
    assert np.isnan(summary.random) or not np.isnan(summary.shuffled)
    catalogue = Catalogue.of(features.name, (features.subject.layers, features.width), tmp_path)
    assert catalogue.about["basis"] == "transcoders"
    number = catalogue.number(1, 4, "")
    assert catalogue.at(number).name == "L1.F4"
    assert catalogue.at(number + 1).label == "unlabelled"  # what ReLU leaves is never negative
    assert not catalogue.contexts(number + 1)
