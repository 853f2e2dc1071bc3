"""Make what the peer needs: the model in a form transformers 4.57 reads, and a set of random transcoders.

.peer/bin/python tests/benchmarks/peer/prepare.py MODEL_FOLDER OUT
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

CALIBRATION = (
    "Fact: The currency of the country whose capital is Tokyo is the yen, and the capital of Texas is Austin."
)
WIDTH, ACTIVE, SEED = 8192, 50, 0  # features a layer, about so many of them active at a position
SPECIAL = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}


def model_folder(source: Path, out: Path) -> Path:
    """Link the weights and rewrite config.json: rope as two plain numbers, no GGUF note."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "tokenizer.json"):
        if not (out / name).exists():
            (out / name).symlink_to((source / name).resolve())
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    rope = config.pop("rope_parameters")
    config.pop("quantization_config", None)
    config |= {
        "rope_theta": rope["full_attention"]["rope_theta"],
        "rope_local_base_freq": rope["sliding_attention"]["rope_theta"],
        "architectures": ["Gemma3ForCausalLM"],
        "torch_dtype": "float32",
    }
    (out / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", **SPECIAL}
    (out / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return out


def random_transcoders(folder: Path, out: Path) -> None:
    """Random directions with a threshold set so that about ACTIVE features fire at a position."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    seen: dict[int, torch.Tensor] = {}
    for layer, block in enumerate(model.model.layers):
        block.mlp.register_forward_hook(
            lambda _m, args, _o, layer=layer: seen.__setitem__(layer, args[0].detach()[0, 1:])
        )
    with torch.no_grad():
        model(tokenizer(CALIBRATION, return_tensors="pt").input_ids)
    d_model = model.config.hidden_size
    for layer, inputs in seen.items():
        encode = torch.randn(WIDTH, d_model) / d_model**0.5
        threshold = float((inputs @ encode.T).topk(ACTIVE + 1, dim=-1).values[:, -1].mean())
        weights = {
            "W_enc": encode,
            "W_dec": torch.randn(WIDTH, d_model) / d_model**0.5 * 0.3,
            "b_enc": torch.zeros(WIDTH),
            "b_dec": torch.zeros(d_model),
            "activation_function.threshold": torch.full((WIDTH,), threshold),
        }
        save_file(weights, out / f"layer_{layer}.safetensors")
    config = (
        "model_kind: transcoder_set\nfeature_input_hook: mlp.hook_in\nfeature_output_hook: hook_mlp_out\n"
    )
    (out / "config.yaml").write_text(config, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    random_transcoders(model_folder(args.source, args.out / "model"), args.out / "transcoders")
