"""Sets that leave layers out, and sets that cannot be traced: exact, or a sentence."""

import json
from dataclasses import replace

import pytest
import torch
import yaml
from frozen_reference import own_precision
from safetensors.torch import save_file
from tests_support import freeze_words, random_transcoders, tiny_subject
from tolerance import SHARPENED, tolerance

from agent import AgentError, read_settings
from agent.workspace.capacity import estimate_needs
from tracer.errors import TranscodersError
from tracer.transcoders.attribute import trace_transcoders
from tracer.transcoders.compatibility import fit_transcoders
from tracer.transcoders.hub import load_transcoders
from tracer.transcoders.transcoders import active_features

HOOKS = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "hook_mlp_out"}
MODEL = {"model_type": "gemma3_text", "hidden_size": 32, "num_hidden_layers": 4, "head_dim": 16}
MODEL |= {"num_attention_heads": 4, "num_key_value_heads": 1, "intermediate_size": 96, "vocab_size": 97}


@pytest.fixture(scope="module")
def frozen(tiny):
    subject = tiny_subject(tiny, "gemma3")
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


def save(transcoders, folder, layers, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({**HOOKS, **settings}))
    for index in layers:
        layer = transcoders.layers[index]
        tables = {"W_enc": layer.encoder.rows, "W_dec": layer.decoder.rows}
        save_file(
            tables | {"b_enc": layer.encoder_bias, "b_dec": layer.decoder_bias},
            folder / f"layer_{index}.safetensors",
        )


@pytest.mark.parametrize("listed", [False, True], ids=["by the files' names", "by the list"])
def test_a_layer_without_a_transcoder_is_error_only(frozen, tmp_path, listed):
    made = random_transcoders(frozen)
    save(made, tmp_path, (1, 2))
    if listed:
        files = [{"layer": i, "filepath": f"layer_{i}.safetensors"} for i in (2, 1)]
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({**HOOKS, "transcoders": files}))
    read = fit_transcoders(load_transcoders(str(tmp_path)), frozen.subject)
    assert read.missing == (0, 3)
    graph = trace_transcoders(frozen, read, max_feature_nodes=500, rest_apart=True)
    assert set(graph.layer[: graph.features].tolist()) == {1, 2}
    assert graph.residual() < tolerance(1, SHARPENED, graph.edges.dtype)
    whole = active_features(frozen, made, 0)
    half = active_features(frozen, read, 0)
    kept = (whole.units.layer == 1) | (whole.units.layer == 2)
    assert torch.equal(half.units.neuron, whole.units.neuron[kept])
    for layer in (0, 3):  # the error is what the MLP wrote, whole
        at = (graph.layer == layer) & (graph.position == 4) & (graph.neuron < 0)
        assert graph.id_of(int(at.nonzero()[0, 0])) == f"E{layer}@4"


def test_a_set_of_another_model_is_refused_in_a_sentence(frozen, tmp_path):
    made = random_transcoders(frozen)
    with pytest.raises(TranscodersError, match="are for 5 layers; tiny-gemma3 has 4"):
        fit_transcoders(replace(made, layers=(*made.layers, made.layers[0])), frozen.subject)
    narrow = replace(made.layers[0], decoder_bias=torch.zeros(8))
    with pytest.raises(TranscodersError, match="streams 8 wide; that of tiny-gemma3 is 32"):
        fit_transcoders(replace(made, layers=(narrow,), model="gpt2"), frozen.subject)


def test_a_cross_layer_set_with_topk_is_refused_in_a_sentence(frozen, tmp_path):
    made = random_transcoders(frozen, span=9)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**HOOKS, "activation": "topk", "k": 5}))
    for index, layer in enumerate(made.layers):
        own = {"W_enc": layer.encoder.rows, "b_enc": layer.encoder_bias, "b_dec": layer.decoder_bias}
        save_file({f"{n}_{index}": t for n, t in own.items()}, tmp_path / f"W_enc_{index}.safetensors")
        save_file({f"W_dec_{index}": layer.decoder.rows}, tmp_path / f"W_dec_{index}.safetensors")
    with pytest.raises(TranscodersError, match="cross-layer set with TopK"):
        load_transcoders(str(tmp_path))


def test_doctor_says_what_a_set_is_and_whether_it_fits(frozen, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(MODEL))
    save(random_transcoders(frozen), tmp_path / "set", (0, 2), model_name="some/model")

    def said(transcoders):
        settings = read_settings(model=str(tmp_path / "model"), transcoders=str(transcoders))
        return " ".join(estimate_needs(settings))

    about = said(tmp_path / "set")
    assert "per-layer ReLU, trained on some/model: 2 files" in about
    assert "Layers 1, 3 have no transcoder" in about
    six = {"W_enc": torch.zeros(3, 8), "W_dec": torch.zeros(3, 8)}
    save_file(
        six | {"b_enc": torch.zeros(3), "b_dec": torch.zeros(8)}, tmp_path / "set" / "layer_0.safetensors"
    )
    assert "They do not fit" in said(tmp_path / "set")
    with pytest.raises(AgentError, match="neither a folder here, nor a Hugging Face set that is cached"):
        said("mntss/transcoder-Llama-3.2-1B")
