"""What several test files build: a tiny subject with a real (word-level) tokeniser, frozen on a text."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

NO_SPECIAL: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None}  # theirs lie beyond our words
PLAIN: dict[str, tuple[str, dict[str, Any]]] = {  # a tiny model's classes, and its config beside the sizes
    "llama": ("Llama", {"num_key_value_heads": 2}),
    "mistral": ("Mistral", {"num_key_value_heads": 2, "sliding_window": 5}),
    "qwen2": ("Qwen2", {"num_key_value_heads": 2}),
    "qwen3": ("Qwen3", {"num_key_value_heads": 2, "head_dim": 16}),
    "gemma": ("Gemma", {"num_key_value_heads": 1, "head_dim": 16}),
    "starcoder2": ("Starcoder2", {"num_key_value_heads": 2, "sliding_window": 5, **NO_SPECIAL}),
    "gpt_neox": ("GPTNeoX", {"use_parallel_residual": True}),
    "gpt_neox in sequence": ("GPTNeoX", {"use_parallel_residual": False}),
}
FAMILIES = ("gemma3", "gemma2", "gemma2 capped", "gpt2", *PLAIN)
WORDS = 97


def words_tokenizer(others: Sequence[str] = ()) -> Any:
    """A tokeniser of the words w0 to w96, the last of them others; it has no special token."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace, WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    known = [*(f"w{i}" for i in range(WORDS - len(others))), *others]
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(known)}, unk_token="w0"))
    words.pre_tokenizer = WhitespaceSplit() if others else Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0")


def tiny_subject(tiny: Any, family: str) -> Any:
    """A random decoder as a subject."""
    from tracer.models.families import family_for
    from tracer.models.model import Model

    model = tiny(family)
    return Model(f"tiny-{family}", model, words_tokenizer(), family_for(model.config))


def freeze_words(subject: Any, length: int = 9) -> Any:
    """A subject's forward pass on a random text."""
    from tracer.attribution.frozen_forward import freeze

    return freeze(subject, torch.randint(0, WORDS, (length,), generator=torch.Generator().manual_seed(3)))


def tiny_frozen(tiny: Any, family: str, length: int = 9) -> Any:
    """A tiny subject's forward pass on a random text."""
    return freeze_words(tiny_subject(tiny, family), length)


def random_transcoders(
    frozen: Any, *, kind: str = "relu", span: int = 1, skip: bool = False, reads: Any = None, width: int = 24
) -> Any:
    """Transcoders for a frozen text, one a layer, about a third of their features active."""
    from tracer.transcoders.transcoders import InMemoryTable, Nonlinearity, Reads, Transcoder, Transcoders

    random = torch.Generator().manual_seed(11)
    like = frozen.embedded
    d_model, layers = like.shape[1], len(frozen.layers)

    def draw(*shape: int) -> Any:
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(like) / d_model**0.5

    made = []
    for index in range(layers):
        steps = min(span, layers - index)
        threshold = draw(width).abs() if kind == "jumprelu" else None
        made.append(
            Transcoder(
                encoder=InMemoryTable(draw(width, d_model)),
                encoder_bias=draw(width) - 0.3,
                decoder=InMemoryTable(draw(width, d_model) if span == 1 else draw(width, steps, d_model)),
                decoder_bias=draw(d_model),
                nonlinearity=Nonlinearity(threshold, 7 if kind == "topk" else None),
                skip=draw(d_model, d_model) if skip else None,
            )
        )
    return Transcoders(tuple(made), reads or Reads.MLP)


def relu_subject(seed: int = 0, positions: int = 64) -> Any:
    """A tiny GPT-2 with ReLU neurons, and a tokeniser that begins every text with w0."""
    import transformers as hf
    from tokenizers.processors import TemplateProcessing

    from tracer.models.families import family_for
    from tracer.models.model import Model

    config = hf.GPT2Config(
        **{"n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": positions, "vocab_size": WORDS},
        **{"activation_function": "relu", "attn_implementation": "eager"},
        **{"bos_token_id": 0, "eos_token_id": None},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = hf.GPT2LMHeadModel(config).to(torch.float64).eval()
        with torch.no_grad():
            for name, weights in model.named_parameters():
                if weights.ndim > 1:
                    weights.mul_(8.0)
                else:
                    weights.copy_(torch.rand_like(weights) - 0.5 + name.endswith("weight"))
    words = words_tokenizer()
    words.add_special_tokens({"bos_token": "w0"})
    words.backend_tokenizer.post_processor = TemplateProcessing(single="w0 $A", special_tokens=[("w0", 0)])
    return Model("tiny-relu", model.requires_grad_(False), words, family_for(model.config))


def save_own_mlps(subject: Any, folder: Any) -> None:
    """The MLPs of a ReLU model as a set of transcoders: its neurons, feature by feature."""
    import yaml
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    hooks = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "hook_mlp_out"}
    (folder / "config.yaml").write_text(yaml.safe_dump({"model_kind": "transcoder_set", **hooks}))
    for index, block in enumerate(subject.blocks):
        up, down = block.mlp.c_fc, block.mlp.c_proj
        own = {"W_enc": up.weight.T, "b_enc": up.bias, "W_dec": down.weight, "b_dec": down.bias}
        save_file(
            {name: value.detach().contiguous() for name, value in own.items()},
            folder / f"layer_{index}.safetensors",
        )


def logits_after(subject, text, members, factor):
    """Next-token logits with neurons set to `factor` times what they are on the text, by hooks of our own."""
    ids = subject.tokenizer(text, return_tensors="pt").input_ids
    values = {}

    def run(act):
        handles = []
        for layer, block in enumerate(subject.model.model.layers):
            own = [m for m in members if m.startswith(f"L{layer}.")]
            handles.append(block.mlp.down_proj.register_forward_pre_hook(partial(act, own)))
        with torch.no_grad():
            logits = subject.model(ids).logits[0, -1]
        for handle in handles:
            handle.remove()
        return logits.double()

    def places(own):
        for name in own:
            neuron, position = name.split(".N")[1].split("@")
            yield name, int(position), int(neuron[:-1])

    def look(own, _module, args):
        values.update({name: float(args[0][0, position, n]) for name, position, n in places(own)})

    def change(own, _module, args):
        acts = args[0].clone()
        for name, position, n in places(own):
            acts[0, position, n] = factor * values[name]
        return (acts,)

    run(look)
    return run(change)


class Ended(NamedTuple):
    """What is left of a command, as of a process."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run_here(capsys: Any, monkeypatch: Any, *words: str, **environment: str) -> Ended:
    """A command line in this process, which has imported what it needs; test_cli.py starts real ones."""
    import sys

    from ui.commands.cli import run_command

    monkeypatch.setattr(sys, "argv", ["askcircuit", *words])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    code = run_command()
    out, err = capsys.readouterr()
    return Ended(code, out.encode(), err.encode())


def token_id(subject, text):
    """The first token of a text."""
    return subject.tokenizer(text, add_special_tokens=False).input_ids[0]
