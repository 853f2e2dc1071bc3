"""Transcoder files of every published layout are read, lazily, and their named traps are not stepped into."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from frozen_reference import own_precision
from safetensors.torch import load_file, save_file
from tests_support import freeze_words, random_transcoders, tiny_subject
from tolerance import SHARPENED, SUM, assert_close, distance, tolerance

from tracer.errors import TranscodersError
from tracer.transcoders.attribute import text_ids, trace_transcoders, zero_positions_of
from tracer.transcoders.hub import load_transcoders
from tracer.transcoders.sources import feature_sources
from tracer.transcoders.transcoders import Reads, active_features
from tracer.transcoders.weight_files import FileTable, read_tensor

ROOT = Path(__file__).parents[1]
LAYERS, WIDTH, FEATURES = 4, 32, 24
HOOKS = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "hook_mlp_out"}


@pytest.fixture(scope="module")
def frozen(tiny):
    subject = tiny_subject(tiny, "gemma3")
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


def settings(folder, kind="transcoder_set", **more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"model_kind": kind, **HOOKS, **more}))


def weights(layer):
    """One of our transcoders as circuit-tracer names its parts."""
    own = {
        "W_enc": layer.encoder.rows,
        "W_dec": layer.decoder.rows,
        "b_enc": layer.encoder_bias,
        "b_dec": layer.decoder_bias,
    }
    if layer.nonlinearity.threshold is not None:
        own["activation_function.threshold"] = layer.nonlinearity.threshold
    if layer.skip is not None:
        own["W_skip"] = layer.skip.T
    return {name: value.contiguous() for name, value in own.items()}


def save_per_layer(transcoders, folder):
    settings(folder)
    for index, layer in enumerate(transcoders.layers):
        save_file(weights(layer), folder / f"layer_{index}.safetensors")


def save_scope(transcoders, folder):
    """Gemma Scope: npz, the encoder the other way round."""
    for index, layer in enumerate(transcoders.layers):
        own = {name: value.numpy() for name, value in weights(layer).items()}
        own["W_enc"] = np.ascontiguousarray(own["W_enc"].T)
        own["threshold"] = own.pop("activation_function.threshold")
        place = folder / f"layer_{index}" / "width_16k" / "average_l0_7"
        place.mkdir(parents=True)
        np.savez(place / "params.npz", **own)


def scope_2(layer, decoder):
    own = {
        "w_enc": layer.encoder.rows.T.contiguous(),
        "w_dec": decoder,
        "b_enc": layer.encoder_bias,
        "b_dec": layer.decoder_bias,
        "threshold": layer.nonlinearity.threshold,
    }
    return own if layer.skip is None else own | {"affine_skip_connection": layer.skip}


def save_scope_2(transcoders, folder):
    for index, layer in enumerate(transcoders.layers):
        place = folder / f"layer_{index}_width_16k_l0_small_affine"
        place.mkdir(parents=True)
        save_file(scope_2(layer, layer.decoder.rows), place / "params.safetensors")
        hooks = {
            "hf_hook_point_in": f"model.layers.{index}.pre_feedforward_layernorm.output",
            "hf_hook_point_out": f"model.layers.{index}.post_feedforward_layernorm.output",
        }
        (place / "config.json").write_text(json.dumps({"model_name": "google/gemma-3-270m", **hooks}))


def save_cross_layer(transcoders, folder):
    settings(folder, "cross_layer_transcoder")
    for index, layer in enumerate(transcoders.layers):
        own = weights(layer)
        encode = {f"{name}_{index}": own[name] for name in ("W_enc", "b_enc", "b_dec")}
        if layer.nonlinearity.threshold is not None:
            encode[f"threshold_{index}"] = own["activation_function.threshold"]
        save_file(encode, folder / f"W_enc_{index}.safetensors")
        save_file({f"W_dec_{index}": own["W_dec"]}, folder / f"W_dec_{index}.safetensors")


def save_scope_2_cross_layer(transcoders, folder):
    """Every file holds slots for all layers; those before its own are unused."""
    folder.mkdir(parents=True)
    for index, layer in enumerate(transcoders.layers):
        unused = torch.full((FEATURES, index, WIDTH), 99.0, dtype=torch.float64)
        decoder = torch.cat([unused, layer.decoder.rows], 1)
        save_file(scope_2(layer, decoder), folder / f"params_layer_{index}.safetensors")


LAYOUTS = {
    "relu": (save_per_layer, {"kind": "relu"}),
    "jumprelu and skip": (save_per_layer, {"kind": "jumprelu", "skip": True}),
    "gemma scope": (save_scope, {"kind": "jumprelu", "reads": Reads.NORMALIZED}),
    "gemma scope 2": (save_scope_2, {"kind": "jumprelu", "skip": True}),
    "cross-layer": (save_cross_layer, {"kind": "jumprelu", "span": 9}),
    "cross-layer relu": (save_cross_layer, {"kind": "relu", "span": 9}),
    "cross-layer gemma scope 2": (save_scope_2_cross_layer, {"kind": "jumprelu", "span": 9, "skip": True}),
}


def same_graph(frozen, one, other):
    how = {"max_feature_nodes": 60, "zero_positions": 1, "rest_apart": True}
    graphs = [trace_transcoders(frozen, t, **how) for t in (one, other)]
    if not torch.equal(graphs[0].neuron, graphs[1].neuron):
        return False
    one, other = (graph.edges for graph in graphs)
    return distance(one, other) < tolerance(1, SHARPENED, one.dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_gives_the_graph_of_the_weights_it_was_made_of(frozen, tmp_path, layout):
    save, kind = LAYOUTS[layout]
    made = random_transcoders(frozen, **kind)
    save(made, tmp_path / "set")
    read = load_transcoders(str(tmp_path / "set"))
    assert len(read.layers) == LAYERS
    assert read.reads == made.reads
    assert all(
        isinstance(layer.encoder, FileTable) and isinstance(layer.decoder, FileTable) for layer in read.layers
    )
    assert same_graph(frozen, made, read)


@pytest.mark.parametrize("save", [save_per_layer, save_scope_2], ids=["W_skip", "affine_skip_connection"])
def test_a_skip_is_not_turned_round(frozen, tmp_path, save):
    """W_skip is stored (out, in), affine_skip_connection (in, out)."""
    made = random_transcoders(frozen, kind="jumprelu", skip=True)
    save(made, tmp_path / "set")
    read = load_transcoders(str(tmp_path / "set"))
    for mine, theirs in zip(made.layers, read.layers, strict=True):
        assert torch.equal(mine.skip, theirs.skip)
        assert not torch.equal(mine.skip, theirs.skip.T)


def test_topk_is_said_by_the_settings_or_by_the_file(frozen, tmp_path):
    made = random_transcoders(frozen, kind="topk")
    save_per_layer(made, tmp_path / "said")
    settings(tmp_path / "said", activation="topk", k=7)
    save_per_layer(made, tmp_path / "kept")
    for index, layer in enumerate(made.layers):  # circuit-tracer's cache writes the key `k`
        save_file(weights(layer) | {"k": torch.tensor(7)}, tmp_path / "kept" / f"layer_{index}.safetensors")
    save_per_layer(made, tmp_path / "lost")
    for name in ("said", "kept"):
        assert same_graph(frozen, made, load_transcoders(str(tmp_path / name)))
    assert not same_graph(frozen, made, load_transcoders(str(tmp_path / "lost")))  # as ReLU: another graph
    settings(tmp_path / "said", activation="topk")
    with pytest.raises(TranscodersError, match="without saying its k"):
        load_transcoders(str(tmp_path / "said"))
    settings(tmp_path / "said", activation="gated")
    with pytest.raises(TranscodersError, match="'gated'"):
        load_transcoders(str(tmp_path / "said"))


@pytest.mark.parametrize("extra", [False, True], ids=["as many files as layers", "the last one twice"])
def test_no_shard_of_a_cross_layer_set_is_lost(frozen, tmp_path, extra):
    made = random_transcoders(frozen, kind="jumprelu", span=9)
    save_scope_2_cross_layer(made, tmp_path / "shards")
    names = [f"../shards/params_layer_{i}.safetensors" for i in range(LAYERS)]
    settings(tmp_path / "set", "cross_layer_transcoder", transcoders=names + names[-1:] * extra)
    read = load_transcoders(str(tmp_path / "set"))
    assert len(read.layers) == LAYERS
    assert same_graph(frozen, made, read)
    settings(tmp_path / "set", "cross_layer_transcoder", transcoders=names[:-1])
    with pytest.raises(TranscodersError, match="3 files for 4 layers"):
        load_transcoders(str(tmp_path / "set"))


def test_listed_files_may_be_listed_in_the_old_way_and_on_the_hub(frozen, tmp_path):
    made = random_transcoders(frozen, kind="jumprelu")
    save_per_layer(made, tmp_path / "files")
    old = [{"id": str(i), "layer": i, "filepath": f"../files/layer_{i}.safetensors"} for i in range(LAYERS)]
    settings(tmp_path / "old", transcoders=old[::-1])
    assert same_graph(frozen, made, load_transcoders(str(tmp_path / "old")))
    hub = tmp_path / "hub"
    links = [f"hf://org/weights/some/layer_{i}.safetensors?revision=main" for i in range(LAYERS)]
    settings(on_hub(hub, "org/set") / "small", transcoders=links)
    save_per_layer(made, on_hub(hub, "org/weights") / "some")
    for where in ("org/set/small", "org/set/small@main", "org/weights/some"):
        assert same_graph(frozen, made, load_transcoders(where, hub_cache=hub))
    with pytest.raises(TranscodersError, match="'org/none' were not found"):
        load_transcoders("org/none", hub_cache=hub)
    settings(on_hub(hub, "org/set") / "small", transcoders=["hf://org/weights/some/layer_9.safetensors"])
    with pytest.raises(TranscodersError, match="layer_9"):
        load_transcoders("org/set/small", hub_cache=hub)


def on_hub(hub, repo):
    """A repository's folder in a hub cache, as huggingface_hub lays it out."""
    place = hub / f"models--{repo.replace('/', '--')}"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / "main").write_text("0" * 40)
    (place / "snapshots" / ("0" * 40)).mkdir(parents=True, exist_ok=True)
    return place / "snapshots" / ("0" * 40)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda f: (f / "layer_1.safetensors").write_bytes(b"no weights"), "missing or damaged"),
        (
            lambda f: save_file({"W_enc": torch.zeros(2, 2)}, f / "layer_1.safetensors"),
            "lacks W_dec, b_dec, b_enc",
        ),
        (lambda f: (f / "config.yaml").write_text("a: [b"), "cannot be read"),
        (lambda f: (f / "config.yaml").write_text("- a"), "no table of settings"),
        (lambda f: settings(f, feature_input_hook="hook_z"), "'hook_z'"),
        (lambda f: settings(f, transcoders=[{"layer": "x"}]), "list of transcoders"),
        (lambda f: [p.unlink() for p in f.glob("layer*")], "no transcoders"),
        (lambda f: swap_tables(f / "layer_1.safetensors"), "do not fit"),
        (
            lambda f: add(f / "layer_2.safetensors", "threshold", torch.zeros(5)),
            "5 thresholds for 24 features",
        ),
        (lambda f: settings(f, "cross_layer_transcoder", transcoders=["layer_0.safetensors"]), "lacks w_dec"),
        (
            lambda f: save_file({"W_enc_0": torch.zeros(2, 2)}, f / "W_enc_0.safetensors"),
            "lacks b_dec_0, b_enc_0",
        ),
        (lambda f: settings(f, transcoders=["../none.npz"]), "missing or damaged"),
    ],
)
def test_a_broken_set_gets_a_sentence(frozen, tmp_path, spoil, complaint):
    save_per_layer(random_transcoders(frozen), tmp_path)
    spoil(tmp_path)
    with pytest.raises(TranscodersError, match=complaint):
        load_transcoders(str(tmp_path))


def swap_tables(path):
    add(path, "W_enc", load_file(path)["W_enc"].T.contiguous())


def add(path, name, tensor):
    save_file(load_file(path) | {name: tensor}, path)


def test_a_layer_of_nans_is_refused(frozen, tmp_path):
    save_per_layer(random_transcoders(frozen), tmp_path)
    add(tmp_path / "layer_2.safetensors", "b_enc", torch.full((FEATURES,), torch.nan))
    with pytest.raises(TranscodersError, match="layer 2 gives no numbers"):
        trace_transcoders(frozen, load_transcoders(str(tmp_path)))


def test_two_sets_in_one_folder_are_not_mixed(frozen, tmp_path):
    made = random_transcoders(frozen, kind="jumprelu")
    save_scope(made, tmp_path)
    (tmp_path / "layer_1" / "width_16k").rename(tmp_path / "layer_1" / "width_65k")
    assert same_graph(
        frozen,
        random_transcoders(frozen, kind="jumprelu", reads=Reads.NORMALIZED),
        load_transcoders(str(tmp_path)),
    )
    (tmp_path / "layer_1" / "width_16k" / "average_l0_9").mkdir(parents=True)
    np.savez(tmp_path / "layer_1" / "width_16k" / "average_l0_9" / "params.npz", W_enc=np.zeros((2, 2)))
    with pytest.raises(TranscodersError, match="both of layer 1"):
        load_transcoders(str(tmp_path))


def test_a_member_of_an_npz_is_mapped_and_a_packed_one_read(tmp_path):
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.savez(tmp_path / "plain.npz", W=table, turned=np.asfortranarray(table))
    np.savez_compressed(tmp_path / "packed.npz", W=table)
    for name in ("plain", "packed"):
        assert torch.equal(read_tensor(tmp_path / f"{name}.npz", "W"), torch.from_numpy(table))
    assert torch.equal(read_tensor(tmp_path / "plain.npz", "turned"), torch.from_numpy(table))
    read_tensor(tmp_path / "plain.npz", "W")[0, 0] = 99.0  # a private page, never the file
    assert read_tensor(tmp_path / "plain.npz", "W")[0, 0] == 0


def test_half_precision_files_are_read_in_the_models_own(frozen, tmp_path):
    made = random_transcoders(frozen)
    save_per_layer(made, tmp_path)
    for index, layer in enumerate(made.layers):
        half = {name: value.to(torch.bfloat16) for name, value in weights(layer).items()}
        save_file(half, tmp_path / f"layer_{index}.safetensors")
    graph = trace_transcoders(frozen, load_transcoders(str(tmp_path)), max_feature_nodes=60)
    assert graph.edges.dtype == frozen.embedded.dtype
    assert graph.residual() < tolerance(1, SHARPENED, graph.edges.dtype)


def test_embeddings_are_scaled_as_gemma_3_scales_them(frozen):
    embed = frozen.subject.model.model.embed_tokens
    assert_close(frozen.embedded, embed.weight[frozen.ids] * WIDTH**0.5, SUM, dtype=torch.float32)


def test_no_two_nodes_share_an_id(frozen):
    """circuit-tracer's error 0_{layer}_{position} is also feature number `layer` of layer 0."""
    graph = trace_transcoders(frozen, random_transcoders(frozen), max_feature_nodes=10**6, rest_apart=True)
    names = [graph.id_of(i) for i in range(len(graph.kind))]
    assert len(set(names)) == len(names)


def test_one_special_token_begins_the_text_never_two_and_never_none(tiny):
    subject = tiny_subject(tiny, "llama")
    words = subject.tokenizer
    assert text_ids(subject, "w5 w6", 9).tolist() == [0, 5, 6]  # id 0 is a token, too
    words.add_special_tokens({"bos_token": "w1"})
    assert text_ids(subject, "w5 w6", 9).tolist() == [1, 5, 6]
    assert text_ids(subject, "w1 w5 w6", 9).tolist() == [1, 5, 6]
    from tokenizers.processors import TemplateProcessing

    words.backend_tokenizer.post_processor = TemplateProcessing(single="w1 $A", special_tokens=[("w1", 1)])
    assert text_ids(subject, "w1 w5 w6", 9).tolist() == [1, 5, 6]


def test_the_prefix_of_a_gemma_3_chat_is_no_feature(tiny):
    subject = tiny_subject(tiny, "gemma3")
    assert zero_positions_of(subject, torch.tensor([2, 105, 2364, 107, 9])) == 4
    assert zero_positions_of(subject, torch.tensor([2, 105, 2364, 9, 9])) == 1
    assert zero_positions_of(tiny_subject(tiny, "llama"), torch.tensor([2, 105, 2364, 107, 9])) == 1


def test_a_set_for_another_width_is_refused(frozen, tmp_path):
    made = random_transcoders(frozen)
    save_per_layer(made, tmp_path)
    for index in range(LAYERS):
        small = {
            "W_enc": torch.zeros(3, 8),
            "W_dec": torch.zeros(3, 8),
            "b_enc": torch.zeros(3),
            "b_dec": torch.zeros(8),
        }
        save_file(small, tmp_path / f"layer_{index}.safetensors")
    with pytest.raises(TranscodersError, match="streams 8 wide"):
        active_features(frozen, load_transcoders(str(tmp_path)), 0)


def test_an_untrained_layer_leaves_everything_to_its_errors(frozen, tmp_path):
    """No feature fires at any position: the peer's cross-layer reconstruction crashes on that."""
    made = random_transcoders(frozen, kind="jumprelu", span=9)
    silent = [replace(layer, encoder_bias=layer.encoder_bias - 1e6) for layer in made.layers]
    active = active_features(frozen, replace(made, layers=tuple(silent)), 0)
    sources = feature_sources(frozen, replace(made, layers=tuple(silent)), active)
    assert sources.error_column == 0
    graph = trace_transcoders(frozen, replace(made, layers=tuple(silent)))
    assert graph.residual() < tolerance(1, SHARPENED, graph.edges.dtype)


WIDE = """
import resource, sys
from pathlib import Path
from tracer import load, load_transcoders, trace_transcoders
from tracer.attribution.frozen_forward import freeze
subject = load("embedded", cache=Path(sys.argv[1]))
frozen = freeze(subject, subject.encode("Fact: the capital of the state containing Dallas is", 512))
graph = trace_transcoders(frozen, load_transcoders(sys.argv[2]), max_feature_nodes=2048)
print(graph.features, graph.residual(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


@pytest.mark.slow
def test_a_set_131072_wide_on_18_layers_does_not_have_to_fit_in_memory(cache_folder, tmp_path):
    random, wide = torch.Generator().manual_seed(0), 131_072
    own = {
        "W_enc": torch.randn(wide, 640, generator=random) / 640**0.5,
        "W_dec": torch.randn(wide, 640, generator=random) / 640**0.5,
        "b_enc": torch.zeros(wide),
        "b_dec": torch.zeros(640),
        "activation_function.threshold": torch.full((wide,), 2.6),
    }
    save_file(own, tmp_path / "layer_0.safetensors")
    for layer in range(1, 18):
        (tmp_path / f"layer_{layer}.safetensors").symlink_to("layer_0.safetensors")
    command = [sys.executable, "-c", WIDE, str(cache_folder), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    nodes, residual, peak = map(float, done.stdout.split())
    assert nodes == 2048
    assert residual < tolerance(1)
    assert peak < 3.5  # GB; all files together are 12
