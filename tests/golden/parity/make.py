"""Make the golden files: tiny random models traced by circuit-tracer 0.5.0, in its own environment.

    python3 -m venv PEER
    PEER/bin/pip install torch==2.13.0 circuit-tracer==0.5.0 nnsight==0.6.2
    PEER/bin/python tests/golden/parity/make.py [FOLDER]

FOLDER is the embedded model as askcircuit unpacks it (in its cache); without it that one case is left alone.

Each file holds the model's weights ("model."), the transcoders' ("layer 0 W_enc" …) and what the peer found;
its metadata the settings. The peer zeroes features and errors at position 0 and has no bias node.
Those in interventions/ hold what the same models say when features are set.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers as hf
from circuit_tracer import attribute
from circuit_tracer.graph import compute_graph_scores, prune_graph
from circuit_tracer.replacement_model.replacement_model_nnsight import NNSightReplacementModel
from circuit_tracer.transcoder.activation_functions import TopK
from circuit_tracer.transcoder.cross_layer_transcoder import load_clt
from circuit_tracer.transcoder.single_layer_transcoder import load_transcoder_set
from drawn import LAYERS as EMBEDDED_LAYERS, drawn_transcoder
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

TEXT, ACTIVE = "Fact: the capital of Texas is", 12
LAYERS, WIDTH, FEATURES, WORDS = 3, 32, 40, 97
IDS = [1, 40, 7, 88, 3, 52, 19, 7, 64]
ROWS, BATCH, NODES, EDGES = 60, 8, 0.8, 0.98
SETTINGS = [(0, 4, 3, -2.0), (0, 4, 9, 0.0), (1, 6, 5, 3.0), (1, 0, 4, 2.0), (2, 8, 7, 1.5)]
EMBEDDED_SETTINGS = [(2, 4, 10, 9.0), (9, 5, 3, -6.0), (16, 6, 7, 12.0)]  # layer, position, feature, value
COMMON = {
    "vocab_size": WORDS,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "tie_word_embeddings": True,
}
GEMMA = {"sliding_window": 5, "query_pre_attn_scalar": 8}
CASES = {  # name: family, settings of the model, of the transcoders
    "llama relu": ("Llama", {}, {"reads": "mlp.hook_in", "writes": "mlp.hook_out"}),
    "llama topk": ("Llama", {}, {"reads": "hook_resid_mid", "writes": "hook_mlp_out", "k": 12}),
    "qwen3 skip": ("Qwen3", {}, {"reads": "mlp.hook_in", "writes": "mlp.hook_out", "skip": True}),
    "gemma3 jumprelu": (
        "Gemma3",
        GEMMA,
        {"reads": "mlp.hook_in", "writes": "hook_mlp_out", "threshold": True},
    ),
    "gemma2 normalized": ("Gemma2", GEMMA, {"reads": "ln2.hook_normalized", "writes": "hook_mlp_out"}),
    "gemma2 clt": (
        "Gemma2",
        GEMMA,
        {"reads": "hook_resid_mid", "writes": "hook_mlp_out", "threshold": True, "clt": True},
    ),
}


def save_model(family: str, settings: dict, folder: Path) -> dict[str, torch.Tensor]:
    """A random model, far from the identity everywhere, as a folder the peer can open."""
    text = "Text" if family == "Gemma3" else ""
    config = getattr(hf, f"{family}{text}Config")(**COMMON, **settings)
    torch.manual_seed(0)
    model = getattr(hf, f"{family}ForCausalLM")(config)
    gain = 0.0 if family.startswith("Gemma") else 1.0
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(8.0)
            else:
                weights.copy_(torch.rand(weights.shape) - 0.5 + gain)
    model.save_pretrained(folder)
    words = Tokenizer(WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))
    words.pre_tokenizer = Whitespace()
    apart = [hf.AddedToken(f"w{i}", single_word=True, special=True) for i in range(3)]  # w1 is not in w19
    special = dict(zip(("unk_token", "bos_token", "eos_token"), apart, strict=True))
    special |= {"pad_token": apart[0], "model_input_names": ["input_ids", "attention_mask"]}
    hf.PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)
    return {name: weights.detach().clone() for name, weights in model.named_parameters()}


def save_transcoders(made: dict, folder: Path) -> dict[str, torch.Tensor]:
    """Random transcoders as files in the peer's layout; returns their tensors by layer."""
    folder.mkdir()
    random, kept = torch.Generator().manual_seed(7), {}

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random) / WIDTH**0.5

    for layer in range(LAYERS):
        steps = (LAYERS - layer,) if made.get("clt") else ()
        own = {
            "W_enc": draw(FEATURES, WIDTH),
            "W_dec": draw(FEATURES, *steps, WIDTH),
            "b_enc": draw(FEATURES) - 0.2,
            "b_dec": draw(WIDTH),
        }
        threshold = draw(FEATURES).abs() if made.get("threshold") else None
        if made.get("skip"):
            own["W_skip"] = draw(WIDTH, WIDTH)
        kept |= {f"layer {layer} {name}": value for name, value in own.items()}
        if threshold is not None:
            kept[f"layer {layer} threshold"] = threshold
        if made.get("clt"):
            encode = {f"{name}_{layer}": own[name] for name in ("W_enc", "b_enc", "b_dec")}
            save_file(encode | {f"threshold_{layer}": threshold}, folder / f"W_enc_{layer}.safetensors")
            save_file({f"W_dec_{layer}": own["W_dec"]}, folder / f"W_dec_{layer}.safetensors")
        else:
            own |= {} if threshold is None else {"activation_function.threshold": threshold}
            save_file(own, folder / f"layer_{layer}.safetensors")
    return kept


def replacement_model(model_folder: Path, folder: Path, made: dict) -> NNSightReplacementModel:
    """The peer's model with these transcoders."""
    cpu = torch.device("cpu")
    hooks = {"feature_input_hook": made["reads"], "feature_output_hook": made["writes"]}
    settings = {"scan": "golden", "device": cpu, "dtype": torch.float32, **hooks}
    if made.get("clt"):
        transcoders = load_clt(str(folder), **settings)
    else:
        paths = {i: str(folder / f"layer_{i}.safetensors") for i in range(len(list(folder.iterdir())))}
        transcoders = load_transcoder_set(paths, lazy_encoder=False, lazy_decoder=False, **settings)
        for layer in transcoders.transcoders:  # the released peer has TopK but no loader for it
            layer.activation_function = TopK(made["k"]) if "k" in made else layer.activation_function
    return NNSightReplacementModel.from_pretrained_and_transcoders(
        str(model_folder), transcoders, device=cpu, dtype=torch.float32
    )


def trace(model: NNSightReplacementModel, ids: list[int]) -> dict[str, torch.Tensor]:
    """The graph the peer finds."""
    graph = attribute(torch.tensor(ids), model, max_feature_nodes=ROWS, batch_size=BATCH)
    pruned = prune_graph(graph, NODES, EDGES)
    replacement, completeness = compute_graph_scores(graph)
    return {
        "adjacency": graph.adjacency_matrix.float(),
        "active": graph.active_features.int(),
        "values": graph.activation_values.float(),
        "selected": graph.selected_features.int(),
        "logit_tokens": torch.tensor([int(t.vocab_idx) for t in graph.logit_targets]),
        "logit_probabilities": graph.logit_probabilities.float(),
        "node_mask": pruned.node_mask.to(torch.uint8),
        "edge_mask": pruned.edge_mask.to(torch.uint8),
        "cumulative": pruned.cumulative_scores.float(),
        "scores": torch.tensor([replacement, completeness]),
    }


def intervene(name: str, model: NNSightReplacementModel, text: str, ids: list[int], settings: list) -> None:
    """What the peer's model says with features set, by what is held; one golden file.

    Attention is free only for a text: the peer cannot count the positions of token ids there.
    """
    layers, step = model.cfg.n_layers, 1 if model.cfg.d_vocab < 1000 else 1024
    given, found = torch.tensor(ids), {}
    modes = {
        "attention": (given, {}),
        "nothing": (text, {"freeze_attention": False}),
        "some layers": (given, {"constrained_layers": range(1, layers - 1)}),
        "everything": (given, {"constrained_layers": range(layers)}),
    }
    for mode, (inputs, how) in modes.items():
        logits, acts = model.feature_intervention(inputs, settings, **how)
        assert logits.shape[1] == len(ids), text
        found[f"{mode} logits"] = logits[0, -1, ::step]
        if step == 1:
            found[f"{mode} acts"] = acts
    onward = [(layer, slice(4, None), *rest) for layer, _, *rest in settings]
    for mode in ("attention", "nothing"):
        inputs, how = modes[mode]
        text_out, logits, _ = model.feature_intervention_generate(
            inputs, onward, do_sample=False, max_new_tokens=4, **how
        )
        found[f"{mode} generated"] = logits[:, ::step]
        found[f"{mode} ids"] = model.tokenizer(
            text_out, return_tensors="pt", add_special_tokens=False
        ).input_ids[0, -len(logits) :]
    folder = Path(__file__).parent / "interventions"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name.replace(' ', '_')}.safetensors"
    tensors = {key: value.detach().clone().contiguous() for key, value in found.items()}
    save_file(tensors, path, {"about": json.dumps({"settings": settings, "step": step})})
    print(name, "interventions", path.stat().st_size)  # noqa: T201


def write(name: str, about: dict, tensors: dict[str, torch.Tensor]) -> None:
    """One golden file."""
    about |= {"rows": ROWS, "batch": BATCH, "peer": "circuit-tracer 0.5.0"}
    path = Path(__file__).parent / f"{name.replace(' ', '_')}.safetensors"
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, {"about": json.dumps(about)})
    print(name, "active", len(tensors["active"]), "scores", tensors["scores"].tolist(), path.stat().st_size)  # noqa: T201


def embedded_folder(source: Path, out: Path) -> Path:
    """The embedded model as transformers 4.57 reads it: rope as two plain numbers, no GGUF note."""
    out.mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (out / name).symlink_to((source / name).resolve())
    config = json.loads((source / "config.json").read_text())
    rope = config.pop("rope_parameters")
    config.pop("quantization_config", None)
    config |= {
        "rope_theta": rope["full_attention"]["rope_theta"],
        "rope_local_base_freq": rope["sliding_attention"]["rope_theta"],
        "architectures": ["Gemma3ForCausalLM"],
        "torch_dtype": "float32",
    }
    (out / "config.json").write_text(json.dumps(config))
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    special |= {"tokenizer_class": "PreTrainedTokenizerFast"}
    special |= {"model_input_names": ["input_ids", "attention_mask"]}
    (out / "tokenizer_config.json").write_text(json.dumps(special))
    return out


def save_drawn(folder: Path, model_folder: Path, ids: list[int]) -> dict[str, torch.Tensor]:
    """Drawn transcoders, each with the threshold that lets about ACTIVE features fire; returns those."""
    folder.mkdir()
    model = hf.AutoModelForCausalLM.from_pretrained(model_folder, attn_implementation="eager").eval()
    seen, kept = {}, {}
    for layer, block in enumerate(model.model.layers):
        block.mlp.register_forward_pre_hook(
            lambda _m, args, layer=layer: seen.__setitem__(layer, args[0][0, 1:])
        )
    with torch.no_grad():
        model(torch.tensor([ids]))
    for layer in range(EMBEDDED_LAYERS):
        own = drawn_transcoder(layer)
        pre = seen[layer] @ own["W_enc"].T + own["b_enc"]
        threshold = pre.topk(ACTIVE + 1, dim=-1).values[:, -1].mean().expand(len(own["b_enc"])).contiguous()
        kept[f"layer {layer} threshold"] = threshold[:1]
        save_file(own | {"activation_function.threshold": threshold}, folder / f"layer_{layer}.safetensors")
    return kept


def make_embedded(source: Path) -> None:
    """The case of the embedded model."""
    made = {"reads": "mlp.hook_in", "writes": "hook_mlp_out"}
    with tempfile.TemporaryDirectory() as scratch:
        folder = embedded_folder(source, Path(scratch) / "model")
        ids = hf.AutoTokenizer.from_pretrained(folder)(TEXT).input_ids
        thresholds = save_drawn(Path(scratch) / "transcoders", folder, ids)
        model = replacement_model(folder, Path(scratch) / "transcoders", made)
        found = trace(model, ids)
        intervene("embedded", model, TEXT, ids, EMBEDDED_SETTINGS)
    write("embedded", {"family": "embedded", "ids": ids, "transcoders": made}, thresholds | found)


def main() -> None:
    for name, (family, settings, made) in CASES.items():
        with tempfile.TemporaryDirectory() as scratch:
            model = save_model(family, settings, Path(scratch) / "model")
            transcoders = save_transcoders(made, Path(scratch) / "transcoders")
            peer = replacement_model(Path(scratch) / "model", Path(scratch) / "transcoders", made)
            found = trace(peer, IDS)
            intervene(name, peer, " ".join(f"w{i}" for i in IDS), IDS, SETTINGS)
        tensors = {f"model.{key}": value for key, value in model.items()} | transcoders | found
        write(name, {"family": family, "config": COMMON | settings, "ids": IDS, "transcoders": made}, tensors)
    if sys.argv[1:]:
        make_embedded(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
